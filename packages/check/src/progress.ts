import { Presets, SingleBar } from 'cli-progress'

/** A progress bar of bytes. It shows nothing if the stream is no terminal. */
export interface Progress {
  readonly update: (bytes: number, total: number | undefined) => void
  readonly stop: () => void
}

/** Opens a progress bar that appears with its first update. */
export function openProgress(stream: NodeJS.WritableStream & { readonly isTTY?: boolean }): Progress {
  if (!stream.isTTY) return { update: () => undefined, stop: () => undefined }
  const format = '{bar} {percentage}% | {value} of {total} bytes | {eta} s left'
  const bar = new SingleBar({ stream, format, clearOnComplete: true }, Presets.shades_classic)
  return {
    update: (bytes, total = bytes) => {
      if (!bar.isActive) bar.start(total, 0)
      bar.update(bytes)
    },
    stop: () => bar.stop(),
  }
}
