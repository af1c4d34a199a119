// SPDX-License-Identifier: MIT
// Shows openapi.json as a page. All text goes in as text, never as HTML.
"use strict";

const METHODS = ["get", "post", "put", "delete"];
const DEPTH_MAX = 6;

function element(name, className, ...content) {
	const e = document.createElement(name);
	if (className) {
		e.className = className;
	}
	e.append(...content);
	return e;
}

function resolve(doc, thing) {
	let at = thing;
	while (at && at.$ref) {
		at = at.$ref.split("/").slice(1).reduce((o, key) => o[key], doc);
	}
	return at || {};
}

function limits(s) {
	const out = [];
	if (s.enum) {
		out.push(s.enum.map((v) => JSON.stringify(v)).join(" | "));
	}
	if (s.minimum !== undefined || s.maximum !== undefined) {
		out.push(`${s.minimum ?? "…"} to ${s.maximum ?? "…"}`);
	}
	if (s.minLength !== undefined || s.maxLength !== undefined) {
		out.push(`length ${s.minLength ?? 0} to ${s.maxLength ?? "…"}`);
	}
	if (s.default !== undefined) {
		out.push(`default ${JSON.stringify(s.default)}`);
	}
	return out.join(", ");
}

// One line for what has no keys of its own.
function typeText(doc, schema) {
	const s = resolve(doc, schema);
	if (s.anyOf) {
		return s.anyOf.map((x) => typeText(doc, x)).join(" or ");
	}
	const type = [].concat(s.type || "any").join(" or ");
	const more = [s.format, limits(s)].filter(Boolean).join(", ");
	const of = s.items ? ` of ${typeText(doc, s.items)}` : "";
	return type + of + (more ? ` (${more})` : "");
}

function objectText(doc, s, depth) {
	const pad = "  ".repeat(depth + 1);
	const required = s.required || [];
	const lines = Object.entries(s.properties).map(([key, value]) => {
		const note = resolve(doc, value).description;
		return `${pad}${key}${required.includes(key) ? "" : "?"}: ${schemaText(doc, value, depth + 1)}${note ? `  — ${note}` : ""}`;
	});
	return `{\n${lines.join("\n")}\n${"  ".repeat(depth)}}`;
}

function schemaText(doc, schema, depth) {
	const s = resolve(doc, schema);
	if (depth > DEPTH_MAX) {
		return "…";
	}
	if (s.properties) {
		return objectText(doc, s, depth);
	}
	if (s.items && (resolve(doc, s.items).properties || resolve(doc, s.items).anyOf)) {
		return `[${schemaText(doc, s.items, depth)}, …]`;
	}
	if (s.anyOf && s.anyOf.some((x) => resolve(doc, x).properties)) {
		return s.anyOf.map((x) => schemaText(doc, x, depth)).join(" or ");
	}
	return typeText(doc, s);
}

function table(rows) {
	const t = element("table");
	for (const row of rows) {
		const tr = element("tr");
		row.forEach((cell, i) => tr.append(element(i === 0 ? "th" : "td", "", cell)));
		t.append(tr);
	}
	return t;
}

function parameters(doc, op) {
	const rows = (op.parameters || []).map((p) => {
		const one = resolve(doc, p);
		return [element("code", "", one.name), `${one.in}${one.required ? ", required" : ""}`,
			typeText(doc, one.schema), one.description || ""];
	});
	return rows.length ? [element("h4", "", "Parameters"), table(rows)] : [];
}

function content(doc, types) {
	return Object.entries(types || {}).map(([type, body]) =>
		element("div", "", element("code", "", type), element("pre", "", schemaText(doc, body.schema, 0))));
}

function answers(doc, op) {
	const rows = Object.entries(op.responses).map(([status, answer]) => {
		const one = resolve(doc, answer);
		const good = Number(status) < 400;
		return [status, element("div", "", one.description, ...(good ? content(doc, one.content) : []))];
	});
	return [element("h4", "", "Answers"), table(rows)];
}

function who(op) {
	const text = {
		open: "Anybody.",
		user: "Any user.",
		client: "Users with access to the client.",
		admin: "Administrators.",
		"half-way": "Users whose login lacks its second factor.",
	}[op["x-rport-who"]] || "";
	const may = op["x-rport-permission"];
	return may ? `${text} Needs the permission ${may}.` : text;
}

function operation(doc, method, path, op) {
	const body = element("div", "", element("p", "", op.description ? `${op.description} ${who(op)}` : who(op)));
	const shown = element("details", `operation${op.deprecated ? " deprecated" : ""}`,
		element("summary", "", element("span", `method ${method}`, method.toUpperCase()),
			element("span", "path", path), element("span", "what", op.summary)), body);
	shown.id = op.operationId;
	shown.dataset.words = `${method} ${path} ${op.summary}`.toLowerCase();
	shown.addEventListener("toggle", () => {
		if (body.childElementCount === 1) {
			const sent = op.requestBody ? [element("h4", "", "Body"), ...content(doc, op.requestBody.content)] : [];
			body.append(...parameters(doc, op), ...sent, ...answers(doc, op));
		}
	});
	return shown;
}

function show(doc) {
	const main = document.getElementById("operations");
	const nav = document.getElementById("tags");
	document.getElementById("about").replaceChildren(doc.info.description, " ",
		Object.assign(element("a", "", "openapi.json"), {href: "openapi.json"}));
	for (const tag of doc.tags) {
		const section = element("section", "", element("h2", "", tag.name), element("p", "", tag.description));
		section.id = `tag-${tag.name}`;
		for (const [path, item] of Object.entries(doc.paths)) {
			for (const method of METHODS.filter((m) => item[m] && item[m].tags.includes(tag.name))) {
				section.append(operation(doc, method, path, item[method]));
			}
		}
		main.append(section);
		nav.append(Object.assign(element("a", "", tag.name), {href: `#tag-${tag.name}`}));
	}
}

function find(text) {
	const words = text.toLowerCase().split(/\s+/).filter(Boolean);
	for (const section of document.querySelectorAll("section")) {
		let some = false;
		for (const op of section.querySelectorAll("details.operation")) {
			op.hidden = !words.every((w) => op.dataset.words.includes(w));
			some = some || !op.hidden;
		}
		section.hidden = !some;
	}
}

fetch("openapi.json").then((answer) => answer.json()).then((doc) => {
	show(doc);
	const input = document.getElementById("find");
	input.addEventListener("input", () => find(input.value));
}).catch((error) => {
	document.getElementById("about").textContent = `openapi.json cannot be shown: ${error.message}`;
});
