// Prints a line for each test, and the closing one.
export class Unexpected extends Error {}

let passed = 0
let failed = 0

export async function test(sentence, body) {
	if (!sentence.includes(process.argv[2] ?? '')) return
	try {
		await body()
		passed++
		console.log(`ok: should ${sentence}`)
	} catch (fault) {
		failed++
		console.log(`not ok: should ${sentence}: ${fault instanceof Unexpected ? fault.message : fault.stack}`)
	}
}

export function close() {
	console.log(`${passed} passed, ${failed} failed`)
	process.exit(passed && !failed ? 0 : 1)
}
