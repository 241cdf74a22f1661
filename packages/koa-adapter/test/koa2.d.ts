/** Koa 2 under a name of its own, beside Koa 3. */
declare module 'koa2' {
  export { default } from 'koa'
}
