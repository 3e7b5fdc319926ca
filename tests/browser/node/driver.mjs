// Drives Chromium for the tests: a request a line on standard input, an answer a line on standard output, both JSON.
import {createRequire} from "node:module";
import {readFileSync} from "node:fs";
import {createInterface} from "node:readline";
import {chromium} from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
// Without the sandbox, which containers do not allow: the pages are our own.
const browser = await chromium.launch({executablePath: process.argv[2], args: ["--no-sandbox"]});
let page;
let seen;

const requests = {
  async open({url, ...settings}) {
    await page?.context().close();
    page = await (await browser.newContext(settings)).newPage();
    page.setDefaultTimeout(120_000);
    seen = {console: [], requests: []};
    page.on("console", (message) => seen.console.push(`${message.type()}: ${message.text()}`));
    page.on("pageerror", (error) => seen.console.push(`error: ${error.message}`));
    page.on("request", (request) => seen.requests.push(request.url()));
    await page.goto(url);
    await page.waitForSelector("html[data-ready]", {state: "attached"});
  },
  async seen() {
    return seen;
  },
  async call({method, args}) {
    return await page[method](...args);
  },
  async press({key}) {
    await page.keyboard.press(key);
  },
  async axe() {
    await page.evaluate(axe);
    const {violations, passes} = await page.evaluate("axe.run({resultTypes: ['violations']})");
    return {passed: passes.length, violations: violations.map(({id, nodes}) => `${id}: ${nodes[0].html} ${nodes[0].failureSummary}`)};
  },
};

for await (const line of createInterface({input: process.stdin})) {
  const {name, ...given} = JSON.parse(line);
  let answer;
  try {
    answer = {result: (await requests[name](given)) ?? null};
  } catch (error) {
    answer = {error: String(error)};
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
