import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

import { type Daemon, freePort, startDaemon, until } from './daemon.ts'

const run = promisify(execFile)

/** Keys of one S3 user. */
interface S3Keys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** A Ceph cluster of one node, in memory, with its object gateway: a real S3 server. */
export interface Ceph {
  readonly endpoint: string
  readonly port: number
  readonly owner: S3Keys
  /** Owns no bucket: S3 answers 403. */
  readonly stranger: S3Keys
  /** Stores the bytes. If it is frozen, bodies stall. */
  readonly osd: Daemon
  /** Serves HTTP. If it ends, bodies are cut. */
  readonly gateway: Daemon
  close(): Promise<void>
}

const owner: S3Keys = { accessKeyId: 'AKOWNERCANARY', secretAccessKey: 'ownersecretcanary0123456789' }
const stranger: S3Keys = { accessKeyId: 'AKSTRANGERCANARY', secretAccessKey: 'strangersecretcanary012345' }

/**
 * Starts the cluster in two or three seconds. Needs Debian's radosgw, ceph-mon and ceph-osd.
 *
 * @param gatewayOptions - more lines for the gateway, as in `rgw_scheduler_type = throttler`
 */
export async function startCeph(gatewayOptions: readonly string[] = []): Promise<Ceph> {
  const directory = await mkdtemp(path.join(tmpdir(), 'ceph-'))
  const [monitorPort, port, fsid, osdId] = [await freePort(), await freePort(), randomUUID(), randomUUID()]
  const conf = path.join(directory, 'ceph.conf')
  const of = ['-c', conf]
  const admin = [...of, '--name', 'client.admin']
  const daemons: Daemon[] = []
  const start = (command: string, args: readonly string[]): Daemon => {
    const daemon = startDaemon(command, args)
    daemons.push(daemon)
    return daemon
  }
  const close = async (): Promise<void> => {
    await Promise.all(daemons.map((daemon) => daemon.end()))
    await rm(directory, { recursive: true, force: true })
  }
  const addUser = (uid: string, keys: S3Keys): Promise<unknown> =>
    run('radosgw-admin', [
      ...of,
      '--name=client.gateway',
      'user',
      'create',
      `--uid=${uid}`,
      `--display-name=${uid}`,
      `--access-key=${keys.accessKeyId}`,
      `--secret-key=${keys.secretAccessKey}`,
    ])
  try {
    for (const part of ['mon', 'osd', 'gateway', 'run']) await mkdir(path.join(directory, part))
    await writeFile(conf, configure(directory, { fsid, monitorPort, port, gatewayOptions }))
    const monmap = path.join(directory, 'monmap')
    await run('monmaptool', [
      '--create',
      '--fsid',
      fsid,
      '--addv',
      'a',
      `[v2:127.0.0.1:${monitorPort}/0]`,
      monmap,
    ])
    await run('ceph-mon', [...of, '-i', 'a', '--mkfs', '--monmap', monmap])
    start('ceph-mon', [...of, '-i', 'a', '-f'])
    await run('ceph', [...admin, 'osd', 'new', osdId])
    await run('ceph-osd', [...of, '-i', '0', '--mkfs', '--osd-uuid', osdId])
    const osd = start('ceph-osd', [...of, '-i', '0', '-f'])
    await until('the object daemon is up', async () =>
      (await run('ceph', [...admin, 'osd', 'stat'])).stdout.includes('1 up'),
    )
    await addUser('owner', owner)
    await addUser('stranger', stranger)
    const gateway = start('radosgw', [...of, '--name', 'client.gateway', '-f'])
    await until('the gateway listens', () => listens(port))
    return { endpoint: `http://127.0.0.1:${port}`, port, owner, stranger, osd, gateway, close }
  } catch (error) {
    await close()
    throw error
  }
}

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })

interface Layout {
  readonly fsid: string
  readonly monitorPort: number
  readonly port: number
  readonly gatewayOptions: readonly string[]
}

// Without ms_mon_client_mode = crc the gateway hangs if authentication is off; without tcp_nodelay each small answer
// takes 40 ms; without the mon_data_avail lines the monitor stops itself on a disk that is nearly full.
const configure = (
  directory: string,
  { fsid, monitorPort, port, gatewayOptions }: Layout,
): string => `[global]
fsid = ${fsid}
mon_host = [v2:127.0.0.1:${monitorPort}/0]
public_network = 127.0.0.0/8
cluster_network = 127.0.0.0/8
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
run_dir = ${directory}/run
admin_socket = ${directory}/run/$name.asok
pid_file =
log_file = ${directory}/$name.log
log_to_syslog = false
ms_bind_msgr1 = false
ms_learn_addr_from_peer = false
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pgp_num = 1
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 1000
mon_data_avail_crit = -1
mon_data_avail_warn = -1
[mon]
mon_data = ${directory}/mon
mon_osd_initial_require_min_compat_client = luminous
paxos_propose_interval = 0.05
mon_cluster_log_file = ${directory}/cluster.log
[osd]
osd_data = ${directory}/osd
osd_objectstore = memstore
memstore_device_bytes = 4294967296
osd_op_num_shards = 1
osd_memory_target = 1073741824
osd_scrub_min_interval = 864000
[client.gateway]
rgw_data = ${directory}/gateway
rgw_frontends = beast endpoint=127.0.0.1:${port} tcp_nodelay=1
rgw_thread_pool_size = 64
rgw_enable_gc_threads = false
rgw_enable_lc_threads = false
rgw_enable_quota_threads = false
rgw_run_sync_thread = false
rgw_enable_usage_log = false
ms_mon_client_mode = crc
rgw_dns_name = localhost
${gatewayOptions.join('\n')}
`
