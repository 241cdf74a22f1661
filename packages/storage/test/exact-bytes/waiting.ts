/** Resolves once the condition holds; looks again and again. */
export async function until(condition: () => boolean | Promise<boolean>, withinMs = 10_000): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('the condition never held')
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

/** Resolves once a count has begun and stands still for 50 ms: somebody waits for somebody else. */
export async function stands(count: () => number): Promise<void> {
  let last = 0
  let since = performance.now()
  await until(() => {
    const now = count()
    if (now !== last) [last, since] = [now, performance.now()]
    return now > 0 && performance.now() - since > 50
  })
}
