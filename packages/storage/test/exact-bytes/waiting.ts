/** Resolves once the condition holds; looks again and again. */
export async function until(condition: () => boolean | Promise<boolean>, withinMs = 10_000): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('the condition never became true')
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

/** Resolves when a count is above 0 and has not changed for 50 ms. */
export async function stands(count: () => number): Promise<void> {
  let last = 0
  let since = performance.now()
  await until(() => {
    const now = count()
    if (now !== last) [last, since] = [now, performance.now()]
    return now > 0 && performance.now() - since > 50
  })
}
