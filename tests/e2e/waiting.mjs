// The page after checkout in Chromium: see t_waiting.py, which gives the order
// on stdin and prints the results, one line of JSON each.
import { createRequire } from 'node:module'

let text = ''
for await (const piece of process.stdin) text += piece
const order = JSON.parse(text)
const { chromium } = createRequire(order.modules + '/x.js')('playwright-core')
const { url } = order
const CONFIRMING = 'Payment seen, being confirmed…'

const say = (line) => console.log(JSON.stringify(line))
const ok = (passed, name, detail) => say({ passed: Boolean(passed), name,
	detail: passed ? '' : JSON.stringify(detail) ?? '' })
const same = (got, want, name) => ok(
	JSON.stringify(got) === JSON.stringify(want), name, { got, want })
const note = (text) => say({ note: text })

async function visitor(browser, options = {}, pass = null) {
	const context = await browser.newContext(options)
	context.setDefaultTimeout(25000) // a sale is read back within 15 s
	const noise = []
	context.on('console', (m) => ['error', 'warning'].includes(m.type()) &&
		noise.push(m.text() + ' ' + m.location().url))
	context.on('weberror', (e) => noise.push(String(e.error())))
	if (pass)
		await context.addCookies([{ name: 'gatepost', value: pass, url }])
	const page = await context.newPage()
	const wait = page.locator('#wait')
	return { context, noise, page,
		says: (what) => wait.filter({ hasText: what }).waitFor(),
		seen: () => page.evaluate(() => ['waiting', 'confirming', 'unknown',
			'late', 'open'].filter((id) =>
			document.getElementById(id).checkVisibility())) }
}

async function shot(page, name) {
	await page.bringToFront()
	await page.screenshot({ path: order.shots + '/' + name + '.png' })
}

async function post(ping) {
	const r = await fetch(url + order.hook, { method: 'POST', body: ping,
		headers: { 'Content-Type': 'application/x-www-form-urlencoded' } })
	same((await r.json()).status, 'recorded', 'a ping')
	return Date.now()
}

// A ping, the shop's answer, and the page is open: nobody touches it.
async function real(browser) {
	const { context, noise, page, says, seen } =
		await visitor(browser, {}, order.real.pass)
	await page.goto(url + '/thanks.html?next=/here&paid')
	await says('Payment seen, unlocking…')
	same(await seen(), ['waiting'], 'nothing came yet')
	await page.evaluate(() => { window.kept = true })
	const begun = await post(order.real.ping)
	await says(CONFIRMING)
	const told = Date.now() - begun
	same(await seen(), ['waiting', 'confirming'], 'it says what that means')
	ok(told < 2000, 'it is told at once', told)
	await shot(page, 'waiting-confirming')
	await page.locator('#open').waitFor()
	note('told after ' + told + ' ms, open after ' + (Date.now() - begun))
	same(await seen(), ['open'], 'confirmed: it opens')
	same(await page.locator('#tier').textContent(), 'pencil', 'with the tier')
	same(await page.evaluate(() => window.kept), true, 'without a reload')
	await shot(page, 'waiting-open')
	same(noise, [], 'a quiet console')
	await context.close()
}

// The shop does not confirm it: after a minute it says what to do.
async function forged(browser) {
	const { context, noise, page, says, seen } = await visitor(browser, {
		viewport: { width: 390, height: 844 }, deviceScaleFactor: 2,
		colorScheme: 'dark', isMobile: true }, order.forged.pass)
	await page.clock.install()
	await page.goto(url + '/thanks.html')
	await says('Waiting for the payment…')
	await page.clock.fastForward(50000)
	await post(order.forged.ping)
	await says(CONFIRMING)
	await page.clock.fastForward(50000)
	same(await seen(), ['waiting', 'confirming'], 'it waits a minute')
	await page.clock.fastForward(11000)
	same(await seen(), ['waiting', 'unknown'], 'then it says what to do')
	await shot(page, 'waiting-unknown')
	same(noise, [], 'a quiet console: forged')
	await context.close()
}

// What /live says here is made up: a shop answers in an hour.
async function told(browser) {
	const { context, noise, page, says, seen } = await visitor(browser)
	let access
	const tell = async (more) => {
		access = { tier: null, grants: [], ...more }
		await page.evaluate(() => gatepost.check())
	}
	await context.addInitScript(() => { delete window.EventSource })
	await context.route('**/live?quiet', (r) => r.fulfill({ json: access }))
	access = { tier: null, grants: [] }
	await page.goto(url + '/thanks.html')
	await says('Waiting for the payment…')
	await tell({ confirming: true })
	await says(CONFIRMING)
	await tell({})
	await says('Waiting for the payment…')
	same(await seen(), ['waiting', 'unknown'], 'the shop knows no such sale')
	await tell({ confirming: true })
	await says(CONFIRMING)
	same(await seen(), ['waiting', 'confirming'], 'another payment')
	await tell({ tier: 'pencil', confirming: true })
	await page.locator('#open').waitFor()
	same(await seen(), ['open'], 'with a tier it is open')
	same(noise, [], 'a quiet console: told')
	await context.close()
}

const browser = await chromium.launch({ executablePath: order.chromium,
	args: order.root ? ['--no-sandbox'] : [] })
try {
	for (const job of [real, forged, told])
		try {
			await job(browser)
		} catch (e) {
			ok(false, job.name + ' ran to its end', String(e.stack))
		}
} finally {
	await browser.close()
}
