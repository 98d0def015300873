// Opens pages in Chromium and says what it saw, as JSON on standard output:
// what each page asked for, said on the console, how wide it was, what axe
// found, and what stands in its marked fields.
//
// usage: node browser.mjs MODULES CHROMIUM PLAN
// PLAN: {"screens": FOLDER, "pages": [{"name", "path", "screens": [VIEW],
//        "keyboard": true}]}
import {readFileSync} from "node:fs";
import {createRequire} from "node:module";
import {pathToFileURL} from "node:url";

const [modules, browserPath, planPath] = process.argv.slice(2);
const require = createRequire(pathToFileURL(modules + "/package.json"));
const {chromium} = require("playwright-core");
const axeSource = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const plan = JSON.parse(readFileSync(planPath, "utf8"));
const VIEWS = [
    // folded parts must fit, too
    {label: "360-light", width: 360, scheme: "light", axe: true,
     unfolded: true},
    {label: "768-light", width: 768, scheme: "light"},
    {label: "1440-light", width: 1440, scheme: "light", axe: true},
    {label: "360-dark", width: 360, scheme: "dark"},
    {label: "1440-dark", width: 1440, scheme: "dark", axe: true},
    {label: "print", width: 720, scheme: "light", media: "print"}];

// What the page holds, whatever it looks like.
function inspect() {
    const all = [...document.querySelectorAll("*")];
    const root = document.documentElement;
    return {
        fields: [...document.querySelectorAll("[data-f]")].map(
            e => [e.dataset.f, e.textContent]),
            title: document.title,
        heading: document.querySelector("h1").innerText,
        scripts: document.scripts.length,
        loads: document.querySelectorAll(
            "img,iframe,object,embed,link,video,audio,source,form,base").length,
        links: [...document.links].map(a => a.getAttribute("href")),
        handlers: all.flatMap(e => e.getAttributeNames()).filter(
            name => name.startsWith("on") || name === "style"),
        ids: all.filter(e => e.id).map(e => e.id),
        headings: [...document.querySelectorAll("h1,h2,h3")].map(
            e => Number(e.tagName[1])),
        pwned: "pwned" in window,
        background: getComputedStyle(document.body).backgroundColor,
        wide: root.scrollWidth > root.clientWidth,
        widest: all.filter(e => e.getBoundingClientRect().right >
                                root.clientWidth + 1 &&
                                !e.closest(".vh,.skip"))
            .slice(0, 3).map(e => e.outerHTML.slice(0, 120))};
}

// One tab for all views of a page: it is loaded once.
async function look(browser, page) {
    const context = await browser.newContext({reducedMotion: "reduce"});
    const tab = await context.newPage();
    const seen = {requests: [], console: [], views: []};

    tab.on("request", request => seen.requests.push(request.url()));
    tab.on("console", message => seen.console.push(message.text()));
    tab.on("pageerror", error => seen.console.push(String(error)));
    tab.on("dialog", dialog => {
        seen.console.push("dialog: " + dialog.message());
        dialog.dismiss();
    });
    await tab.goto(pathToFileURL(page.path).href);
    for (const view of VIEWS)
        seen.views.push(await look_at(tab, page, view));
    await context.close();
    return seen;
}

async function look_at(tab, page, view) {
    await tab.emulateMedia({colorScheme: view.scheme, media: view.media ?? null});
    await tab.setViewportSize({width: view.width, height: 900});
    await tab.evaluate(isOpen => document.querySelectorAll("details").forEach(
        d => { d.open = isOpen; }), view.unfolded === true);
    const seen = await tab.evaluate(inspect);
    seen.view = view.label;
    if (view.axe) {
        await tab.evaluate(axeSource);
        seen.axe = (await tab.evaluate(() => window.axe.run())).violations.map(
            v => ({id: v.id, nodes: v.nodes.map(n => n.html.slice(0, 200))}));
    }
    if (page.screens.includes(view.label))
        await tab.screenshot({
            path: `${plan.screens}/${page.name}-${view.label}.png`,
            fullPage: true, animations: "disabled"});
    return seen;
}

// With the keyboard alone: the skip link first, then every link, and a folded
// part opens.
async function keyboard(browser, page) {
    const context = await browser.newContext({reducedMotion: "reduce"});
    const tab = await context.newPage();
    const stops = [];

    await tab.goto(pathToFileURL(page.path).href);
    const count = await tab.locator("a,summary").count();
    for (let i = 0; i < count; i++) {
        await tab.keyboard.press("Tab");
        stops.push(await tab.evaluate(
            () => document.activeElement.tagName + " " +
                  document.activeElement.textContent));
    }
    await tab.locator("#manifest summary").focus();
    await tab.keyboard.press("Enter");
    const isOpen = await tab.locator("#manifest details").evaluate(d => d.open);
    await context.close();
    return {stops, isOpen};
}

const browser = await chromium.launch({
    executablePath: browserPath, headless: true,
    args: ["--no-sandbox", "--disable-gpu", "--force-color-profile=srgb"]});
const result = {version: browser.version(), pages: {}};
for (const page of plan.pages) {
    result.pages[page.name] = await look(browser, page);
    if (page.keyboard)
        result.pages[page.name].keyboard = await keyboard(browser, page);
}
await browser.close();
process.stdout.write(JSON.stringify(result));
