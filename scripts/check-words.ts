import { globSync, readFileSync } from 'node:fs'

// Sentences and names that were replaced by plain ones must not come back: each is listed with its replacement.

/** As they stood, without line breaks and comment marks. A part of the sentence is enough. */
const sentences: Readonly<Record<string, string>> = {
  'Refuses what is no answer of a limiter': 'Rejects a malformed limiter answer',
  'who is admitted by mistake is admitted': 'admitting a request by mistake cannot be undone',
  'A pin that is none of ours': 'A validator that this package did not produce',
  'A door with so many places': 'A FIFO semaphore',
  'Who finds none waits': 'A FIFO semaphore',
  'An errand that several callers wait for': 'One in-flight call shared by several callers',
  'What nobody here would send along': 'Only URLs whose signed headers we also send are cached',
  'Waits, longer each time': 'Retries with jittered exponential backoff',
  'never two downloads alike': 'jitter',
  'A no is an answer, not an accident': 'Refusals are created without a stack trace',
  'the store answers, and not with something else': 'the stored object matches the record',
  'no cap but the others': 'unlimited (the other limits still apply)',
  'Close at once when told so': '`close()` must release the object immediately',
  'Twice is once': 'A second call does nothing.',
  'Mend what is listed under errors': 'Fix the fields listed in errors.',
  'Unexpected answer from behind': 'Bad gateway',
  'Ask for ranges inside the export, few and apart':
    'Request fewer, non-overlapping ranges within the export.',
  'Report the X-Request-Id of this answer if it stays':
    'If the problem persists, contact support and quote the X-Request-Id',
  'write one of v1, v2': "must be one of v1, v2; got 'v3'",
  'What spares a head() is decided by alone': 'A record with size and validator replaces `head()`',
  'the others need not wait for so few': 'With the default of 4, all downloads share three threads.',
  'A request that nobody waits for is not sent': 'An aborted request sends nothing',
  'It finds the way to the bucket each time': 'The SDK resolves the endpoint for every URL',
  'nobody can know from another object': "one object's URL says nothing about another's",
  'Judged at the last moment': 'Decide what is still held just before sending.',
  'Keys are young for 10 minutes': 'Keys are fresh for 10 minutes.',
  'So many of the least used buckets a newcomer looks at':
    'How many of the least recently used buckets are checked',
  'A bucket leaves only when it is full again': 'A bucket is evicted only once it has refilled',
  'the client is asked: the same question': 'the same GET is sent once through the SDK client',
  'the next 10 s are the client': 'all GETs use the client for 10 s',
  'stamps the change time too': 'also changes ctime',
  'spare it where they touch memory alone': 'run synchronously',
  'this is where most are turned away': 'most refused requests end here',
  'The end is settled before the abort': 'Record the outcome first, then abort.',
  'who waits so long for one and gets none': 'A download that gets no retry within this time gives up.',
  "its own retries stand aside for the store's": 'The store retries instead',
  'More than two kernels take': 'More than the socket buffers of both sides hold',
  'How long a removed signing key can stay good is one number':
    'A removed signing key works for at most 10 minutes',
  'and only so is each `finally` armed': 'A generator that was never started does not run its `finally`.',
  'which spares it the layers that a long one needs':
    'A small body is read into one buffer, because that is cheaper than streaming.',
  'what must be decided first is a `head`': 'A request with conditions or ranges must be decided first',
  'What it throws that is no refusal becomes': 'An error that is not a refusal becomes `unavailable`',
  'The first call counts: it says how': 'Only the first call has an effect.',
  'One thing that will not be let go': 'If one release throws, the others must still be called',
  'A token that is lost wakes all': 'A spent token wakes all of them, and each asks the limiter once more.',
  'what came is a file to save': 'They prevent a browser from rendering it',
  'Throws what the format throws': 'Throws if the error format throws or returns an invalid result.',
  'what an outage cut in one instant': '5 to 20 s with jitter',
  'from then on `close` rules': 'to stop reading, call `close`',
  'is a coding to a client that names it':
    'is sent with `Content-Encoding` to a client that accepts its coding',
  'its disk for the export': 'nginx would otherwise buffer the export on its disk',
  'What a thrown value says no with': 'Reads the details of a refusal from a thrown value.',
  'when to come back may be the format': 'Only `Retry-After` can be changed',
  'Of many hundred texts no more are the first': 'Always `false` after 500 different texts.',
  'must not blame the server': 'if this process was busy, the answer may be there already',
}

/** Whole words, in their case. */
const names: Readonly<Record<string, string>> = {
  'Patience|PATIENCE(?:_MS)?|Surroundings|Around': 'Runtime, or deadline',
  WaitingLine: 'FifoQueue',
  '(?:interface|type|class) (?:Line|Place)': 'FifoQueue, Semaphore',
  withdraw: 'cancel, acquire, release',
  '(?:interface|type|class) (?:Question|Held)': 'StoreRequest, Lease, or what it holds',
  'Heal|createHeal|outageAt': 'reopenPolicy, beforeReopen',
  'inOnePiece|KeyShelf|Reach|Begun|Flight':
    'bufferBody, JwksCache, ReadAheadOptions, FirstPart, SingleFlight',
  'letGo|strike': 'release, onTimer',
  lent: 'borrowed',
  'door|doors|Door|openDoor': 'entry point',
}

const files = [
  ...globSync('packages/*/{src,test,soak,servers,micro}/**/*.ts'),
  ...globSync('packages/*/*.{ts,md}'),
  ...globSync('examples/**/*.{ts,md}', { exclude: (name) => name === 'node_modules' }),
  ...globSync('docs/**/*.{ts,md}', { exclude: (name) => name === 'node_modules' || name === 'api' }),
  ...globSync('scripts/**/*.ts'),
  ...globSync('{*.md,.changeset/*.md}'),
].filter((file) => file !== 'scripts/check-words.ts')

const plain = (text: string): string => text.replaceAll(/\s*\n[ \t]*(?:\*|\/\/)?[ \t]*/g, ' ')
const faults = files.flatMap((file) => {
  const text = readFileSync(file, 'utf8')
  const flat = plain(text)
  return [
    ...Object.entries(sentences)
      .filter(([sentence]) => flat.includes(sentence))
      .map(([sentence, better]) => `${file}: "${sentence}" reads better as "${better}"`),
    ...Object.entries(names).flatMap(([name, better]) =>
      [...text.matchAll(new RegExp(`(?<![\\w-])(?:${name})(?![\\w-])`, 'g'))].map(
        ({ 0: found, index }) =>
          `${file}:${text.slice(0, index).split('\n').length}: ${found} is called ${better} here`,
      ),
    ),
  ]
})

for (const fault of faults) console.error(fault)
if (faults.length > 0) process.exit(1)
console.log(`ok  ${files.length} files say it in the words of the field`)
