import { execFile } from 'node:child_process'

import { authorization } from './guarded.ts'

/** How a run of curl ended. */
export interface Curled {
  /** 0: it has the whole. 18, 56 and 92: the transfer broke. */
  readonly exitCode: number
  /** Of the last answer. */
  readonly status: number
}

/** Fetches a URL into a file, with a token. */
export const curl = (url: string, file: string, ...options: readonly string[]): Promise<Curled> =>
  new Promise((resolve) => {
    const args = [
      '-s',
      '-o',
      file,
      '-w',
      '%{http_code}',
      '-H',
      `Authorization: ${authorization}`,
      ...options,
      url,
    ]
    execFile('curl', args, (error, stdout) => {
      resolve({ exitCode: typeof error?.code === 'number' ? error.code : 0, status: Number(stdout) })
    })
  })
