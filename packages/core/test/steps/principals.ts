import type { Principal } from '../../src/ports.ts'

export const ann: Principal = {
  issuer: 'https://issuer.test',
  subject: 'ann',
  organizations: ['acme'],
  capabilities: ['exports:download'],
  claims: {},
}

export const acme = { id: 't-acme', name: 'acme' }
