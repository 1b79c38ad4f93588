// The first page in Chromium without scripts: see t_first.py, which gives the
// order on stdin, a line, and reads a line of JSON for each step.
import { createRequire } from 'node:module'
import fs from 'node:fs'
import readline from 'node:readline'

const lines = readline.createInterface({ input: process.stdin })
	[Symbol.asyncIterator]()
const order = JSON.parse((await lines.next()).value)
const { chromium } = createRequire(order.modules + '/x.js')('playwright-core')
const say = (line) => console.log(JSON.stringify(line))

const browser = await chromium.launch({ executablePath: order.chromium,
	args: order.root ? ['--no-sandbox'] : [] })
const context = await browser.newContext({ javaScriptEnabled: false,
	acceptDownloads: true, viewport: { width: 360, height: 800 } })
context.setDefaultTimeout(20000)
const noise = []
const page = await context.newPage()
page.on('console', (m) => noise.push(m.text()))
const wide = async () => (await page.locator('html').evaluate(
	(e) => e.scrollWidth)) > 360

await page.goto(order.url)
say({ headline: await page.locator('h1').textContent(), wide: await wide() })
await page.getByLabel('Your e-mail address').fill('me@example.org')
await page.getByRole('button', { name: 'Make the file' }).click()
const [download] = await Promise.all([page.waitForEvent('download'),
	page.getByRole('link', { name: 'Download it' }).click()])
say({ headline: await page.locator('h1').textContent(), wide: await wide(),
	file: await page.locator('textarea').inputValue(),
	download: fs.readFileSync(await download.path(), 'utf8'),
	name: download.suggestedFilename() })
for await (const step of lines) {
	await page.getByRole('button', { name: step }).click()
	say({ headline: await page.locator('h1').textContent(),
		text: await page.locator('body').textContent(),
		url: page.url(), wide: await wide(), noise })
}
await browser.close()
