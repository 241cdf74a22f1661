/**
 * Sets the size of libuv's thread pool to 64, unless the environment sets it. The pool takes its size when it is used for the first
 * time, so import this module before any other. With the default of 4, all downloads from disks share three threads.
 */
process.env['UV_THREADPOOL_SIZE'] ||= '64'
