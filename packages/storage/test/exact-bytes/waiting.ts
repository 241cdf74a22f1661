/** Resolves once the condition holds; looks again and again. */
export async function until(condition: () => boolean | Promise<boolean>, withinMs = 10_000): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('the condition never held')
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
