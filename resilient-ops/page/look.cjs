// Looks at the status page of the example in Chromium: node look.cjs <program> <folder for the screenshots>
'use strict';

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const readline = require('node:readline');
const { chromium } = require('playwright-core');
const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const [program, folder] = process.argv.slice(2);
fs.mkdirSync(folder, { recursive: true });

// a server on a port of its own, as a child that ends with this process
async function serve(...more) {
  const child = spawn(program, ['127.0.0.1:0', ...more], { stdio: ['ignore', 'pipe', 'inherit'] });
  process.on('exit', () => child.kill());
  const [address] = await new Promise((found, failed) => {
    readline.createInterface({ input: child.stdout }).once('line', line => found([line]));
    child.once('exit', code => failed(new Error(`the example ended with ${code}`)));
  });
  return { address, stop: () => child.kill() };
}

// a page that fails at any message of the console and at any request to another host
async function open(browser, address, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1360, height: 900 }, colorScheme: 'light', ...options });
  const page = await context.newPage();
  const wrong = [];
  page.on('console', message => {
    if (['error', 'warning'].includes(message.type())) wrong.push(`console: ${message.text()} ${message.location().url}`);
  });
  page.on('pageerror', error => wrong.push(`script: ${error.stack}`));
  page.on('dialog', dialog => wrong.push(`a script of a name ran: ${dialog.message()}`));
  page.on('request', request => {
    if (!request.url().startsWith(address) && !request.url().startsWith('data:')) wrong.push(`request to ${request.url()}`);
  });
  page.wrong = wrong;
  await page.goto(address);
  await page.waitForSelector('#rows .name button');
  return page;
}

const row = (page, name) => page.locator('#rows > tr:not(.details)').filter({ has: page.getByRole('button', { name, exact: true }) });
const names = page => page.locator('#rows .name button').allTextContents();
const badges = page => page.locator('#rows > tr:not(.details) > .state .badge').allTextContents();
const shot = (page, name) => page.screenshot({ path: path.join(folder, `${name}.png`) });
const settled = (page, condition, argument) => page.waitForFunction(condition, argument, { timeout: 15000 });

async function hasNoViolations(page, what) {
  // by the debugger's hand, since the page lets no other script run
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
  const told = violations.map(({ id, impact, help, nodes }) => `${impact} ${id}: ${help}\n  ${nodes.slice(0, 3).map(node => `${node.html}\n  ${node.failureSummary}`).join('\n  ')}`);
  assert.deepEqual(told, [], `accessibility of ${what}`);
}

const steps = [];
const step = (name, look) => steps.push([name, look]);

step('shows every state, those in trouble first', async ({ page }) => {
  const says = ['Forced open', 'Open', 'Budget exhausted', 'Full', 'Half-open', 'Paused', 'Refusing', 'Dropping', 'Failing', 'Observes', 'Off', 'Not used yet', 'Well', '1 key in trouble'];
  await settled(page, says => {
    const there = [...document.querySelectorAll('#rows .state .badge')].map(node => node.textContent);
    return says.every(word => there.includes(word));
  }, says);
  await page.mouse.move(5, 5);
  await page.waitForTimeout(2500);
  const order = ['Open', 'Budget exhausted', 'Full', 'Half-open', '1 key in trouble', 'Paused', 'Refusing', 'Failing', 'Observes', 'Off', 'Well', 'Not used yet'];
  const group = { 'Forced open': 0, Open: 0, 'Timing out': order.indexOf('Refusing'), Dropping: order.indexOf('Refusing') };
  const ranks = (await badges(page)).map(says => group[says] ?? order.indexOf(says));
  assert.ok(ranks.every((rank, at) => rank >= 0 && (at === 0 || ranks[at - 1] <= rank)), `the order is ${await badges(page)}`);
  assert.match(await row(page, 'ledger').innerText(), /for \d+ s/);
  assert.match(await row(page, 'prices').innerText(), /rate limited/);
  assert.match(await page.locator('#summary').innerText(), /\d+ policies, \d+ in trouble/);
});

step('shows a name as text', async ({ page }) => {
  assert.equal(await page.locator('#rows img').count(), 0);
  assert.equal(await row(page, '<img src=x onerror=alert(1)> & "quotes"').count(), 1);
});

step('draws bars and lines, and says them in words', async ({ page }) => {
  const scale = await row(page, 'search').locator('.bar i').first().evaluate(node => getComputedStyle(node).transform);
  assert.match(scale, /^matrix\((1|0\.[5-9]\d*),/);
  assert.match(await row(page, 'search').innerText(), /\d of 4 permits in use/);
  const line = row(page, 'prices').getByRole('img', { name: /^Refusals over the last \d+ s: \d+ a second now/ });
  await page.waitForTimeout(4500);
  assert.match(await line.locator('path').getAttribute('d'), /^M[\d.]+ [\d.]+(L[\d.]+ [\d.]+){2,}$/);
});

step('looks well in the light', async ({ page }) => {
  await shot(page, 'light');
  await hasNoViolations(page, 'the list');
});

step('is used by the keyboard alone', async ({ page }) => {
  await page.locator('body').press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.className), 'skip');
  await page.keyboard.press('/');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'filter');
  await page.keyboard.type('profile retry');
  await settled(page, () => document.querySelectorAll('#rows .name button').length === 1);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  const details = page.locator('#rows > tr.details').first();
  await details.waitFor();
  const told = await details.innerText();
  assert.match(told, /max\s+1\s+3\s+shop\.toml:2/);
  assert.match(told, /page::profile at most [\d.]+ s a call/);
  assert.match(told, /measure[\s\S]*total timeout[\s\S]*retry[\s\S]*circuit breaker[\s\S]*bulkhead[\s\S]*attempt timeout/);
  assert.equal(await page.locator('.name button').first().getAttribute('aria-expanded'), 'true');
  // a poll must not take the focus away
  await page.waitForTimeout(2500);
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-expanded')), 'true');
  await shot(page, 'details');
  await hasNoViolations(page, 'the details');
  await page.keyboard.press('Escape');
  assert.ok(await details.isHidden());
  await page.keyboard.press('ArrowUp');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'filter');
  await page.keyboard.press('Escape');
  await settled(page, () => document.querySelectorAll('#rows .name button').length > 10);
});

step('filters and sorts', async ({ page }) => {
  await page.fill('#filter', 'forced');
  await settled(page, () => document.querySelectorAll('#rows .name button').length === 1);
  assert.deepEqual(await names(page), ['ledger']);
  await page.fill('#filter', 'nothing is called so');
  await page.getByText('No policy matches the filter.').waitFor();
  await page.fill('#filter', '');
  await page.getByRole('button', { name: 'Policy', exact: true }).click();
  const head = page.locator('#heads th').first();
  assert.equal(await head.getAttribute('aria-sort'), 'ascending');
  const sorted = await names(page);
  assert.deepEqual(sorted, [...sorted].sort((one, other) => one.localeCompare(other)));
  await page.getByRole('button', { name: 'Policy', exact: true }).click();
  assert.equal(await head.getAttribute('aria-sort'), 'descending');
  await page.selectOption('#sort', 'health');
  await page.check('#trouble');
  assert.ok(!(await badges(page)).some(says => ['Well', 'Off', 'Observes', 'Not used yet'].includes(says)));
  await page.uncheck('#trouble');
});

step('shows the keys and the reasons', async ({ page }) => {
  await page.getByRole('button', { name: 'invoices', exact: true }).click();
  const details = page.locator('#rows > tr.details:not([hidden])');
  assert.match(await details.innerText(), /2 of [\d,]+ keys, 1 in trouble[\s\S]*"acme"\s+Open/);
  assert.match(await details.innerText(), /circuit open\s+the breaker is open/);
  await page.keyboard.press('Escape');
});

step('hears of a change of state and says it once', async ({ page, address }) => {
  // rows stay where they are under the pointer and the keyboard
  await page.mouse.move(5, 5);
  await page.evaluate(() => document.activeElement.blur());
  const answer = await fetch(`${address}policies/page%3A%3Aprofile`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer example' },
    body: JSON.stringify({ kind: 'circuit_breaker', force: 'open' }),
  });
  assert.equal(answer.status, 200, await answer.clone().text());
  await settled(page, () => document.querySelector('#news').textContent.includes('profile, circuit breaker: forced open'));
  await settled(page, () => [...document.querySelectorAll('#rows > tr')].slice(0, 4).some(row => row.textContent.includes('page::profile')));
});

step('changes a policy after a question, with a token', async ({ page }) => {
  await page.locator('#rows > tr').filter({ hasText: 'circuit breaker, page::profile' }).getByRole('button').click();
  await page.locator('.groups:visible').getByRole('button', { name: 'let go' }).click();
  const dialog = page.getByRole('dialog', { name: 'Let go of the state of profile, circuit breaker?' });
  await dialog.waitFor();
  await hasNoViolations(page, 'the question');
  // the console tells of the answer 401, which is what is looked for
  await dialog.getByRole('button', { name: 'Let go' }).click();
  await dialog.getByLabel('Token').waitFor();
  page.wrong.splice(0, page.wrong.length, ...page.wrong.filter(wrong => !/console: .*401/.test(wrong)));
  await shot(page, 'question');
  await dialog.getByLabel('Token').fill('example');
  await dialog.getByRole('button', { name: 'Let go' }).click();
  await dialog.waitFor({ state: 'hidden' });
  await settled(page, () => document.querySelector('#news').textContent.includes('state forced open is now closed'));
  await page.keyboard.press('Escape');
});

step('lists events', async ({ page }) => {
  await page.getByRole('button', { name: 'Listen' }).click();
  await page.getByText('listening', { exact: true }).waitFor();
  const button = page.locator('#rows > tr').filter({ hasText: 'circuit breaker, page::profile' }).getByRole('button').first();
  await button.click();
  await page.locator('.groups:visible').getByRole('button', { name: 'open', exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Force it' }).click();
  await page.locator('#log li').filter({ hasText: /profile \(page::profile\): circuit breaker, .*to forced.open/ }).first().waitFor();
  await page.locator('.groups:visible').getByRole('button', { name: 'let go' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Let go' }).click();
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  await page.getByRole('button', { name: 'Stop' }).click();
  await button.click();
});

step('looks well in the dark, with less motion', async ({ dark: page }) => {
  assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), 'rgb(20, 23, 27)');
  assert.equal(await page.locator('.bar i').first().evaluate(node => getComputedStyle(node).transitionDuration), '0s');
  await shot(page, 'dark');
  await hasNoViolations(page, 'the dark page');
});

step('fits a screen of 360 pixels', async ({ narrow: page }) => {
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= 360, `it is ${width} pixels wide`);
  await shot(page, 'narrow');
  await page.locator('#rows .name button').first().click();
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth) <= 360, 'the details fit');
  await shot(page, 'narrow_details');
  await page.locator('#rows .name button').first().click();
  // a table for screen readers although it is a list for the eye
  assert.ok(await page.getByRole('columnheader', { name: 'Refusals/s' }).count() === 1);
  await hasNoViolations(page, 'the narrow page');
});

step('may stand under a path, with a slash at its end or without', async ({ browser, address }) => {
  const page = await open(browser, `${address}ops`);
  await settled(page, () => document.querySelectorAll('#rows .name button').length > 10);
  const asked = await page.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => new URL(name).pathname));
  assert.deepEqual([...new Set(asked)], ['/ops/policies']);
  assert.deepEqual(page.wrong, []);
  await page.context().close();
});

step('says so when the server is gone', async ({ page, dark, narrow, stop }) => {
  for (const each of [page, dark, narrow]) assert.deepEqual(each.wrong, []);
  await dark.context().close();
  await narrow.context().close();
  stop();
  await page.locator('#connection.lost').filter({ hasText: 'No answer since' }).waitFor({ timeout: 15000 });
});

step('is of use with a thousand policies', async ({ thousand: page }) => {
  assert.equal(await page.locator('#rows .name button').count(), 100);
  assert.match(await page.locator('#page').innerText(), /^1 to 100 of 1,0\d\d$/);
  await page.fill('#filter', 'further-0777');
  await settled(page, () => document.querySelectorAll('#rows .name button').length === 1);
  await page.fill('#filter', '');
  // the work of three polls, as the browser counts it
  const client = await page.context().newCDPSession(page);
  await client.send('Performance.enable');
  const work = async () => Object.fromEntries((await client.send('Performance.getMetrics')).metrics.map(({ name, value }) => [name, value]));
  const before = await work();
  await page.waitForTimeout(6000);
  const after = await work();
  const cost = ['ScriptDuration', 'LayoutDuration', 'RecalcStyleDuration', 'TaskDuration'].map(name => `${name} ${Math.round((after[name] - before[name]) / 3 * 1000)} ms`);
  console.log(`     a poll of 1,000 policies takes ${cost.join(', ')}, ${(after.LayoutCount - before.LayoutCount) / 3} layouts; ${after.Nodes} nodes, ${Math.round(after.JSHeapUsedSize / 1e6)} MB`);
  assert.ok(after.Nodes < 20000, 'only the rows of one page are there');
  // of a poll that reads between its writes, there would be one for each row
  assert.ok((after.LayoutCount - before.LayoutCount) / 3 <= 20, `${after.LayoutCount - before.LayoutCount} layouts in three polls`);
  await page.getByRole('button', { name: 'Next' }).click();
  assert.match(await page.locator('#page').innerText(), /^101 to 200/);
  await page.getByRole('button', { name: 'Back' }).click();
  await shot(page, 'thousand');
  assert.deepEqual(page.wrong, []);
});

(async () => {
  const [server, larger] = await Promise.all([serve(), serve('--further', '1000')]);
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  // all of them from the beginning, so that their lines have something to show
  const [page, dark, narrow, thousand] = await Promise.all([
    open(browser, server.address),
    open(browser, server.address, { colorScheme: 'dark', reducedMotion: 'reduce' }),
    open(browser, server.address, { viewport: { width: 360, height: 780 }, hasTouch: true }),
    open(browser, larger.address),
  ]);
  let failed = 0;
  for (const [name, look] of steps) {
    try {
      await look({ browser, page, dark, narrow, thousand, ...server });
      console.log(`ok   ${name}`);
    } catch (error) {
      failed++;
      console.log(`FAIL ${name}\n${error.stack}`);
      await shot(page, `failed_${failed}`).catch(() => {});
    }
  }
  await browser.close();
  console.log(`${steps.length - failed} of ${steps.length} looks; screenshots in ${folder}`);
  process.exit(failed === 0 ? 0 : 1);
})();
