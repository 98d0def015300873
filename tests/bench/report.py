"""The results as tables in Markdown and as a picture."""

from xml.sax.saxutils import escape

UNITS = {"ratio": "", "MiB": " MiB", "s": " s"}


def number(value, unit="ratio"):
    if unit == "MiB":
        return f"{value:.0f} MiB"
    return f"{value:.3f}"[:5] + UNITS[unit]


def verdict(measure):
    if measure["value"] is None:
        return "skipped"
    if measure["stretch"] and measure["value"] <= measure["stretch"]:
        return "pass, stretch"
    return "pass" if measure["value"] <= measure["goal"] else "MISS"


def goal_row(measure):
    unit = measure["unit"]
    goal = number(measure["goal"], unit)
    if measure["stretch"]:
        goal += f" ({number(measure['stretch'], unit)})"
    if measure["value"] is None:
        return [measure["label"], "-", goal, f"skipped: {measure['note']}"]
    value = number(measure["value"], unit)
    if measure["least"] is not None:
        value += f" [{number(measure['least'])}-{number(measure['most'])}]"
    words = verdict(measure)
    if measure["note"]:
        words += "; " + measure["note"]
    return [measure["label"], value, goal, words]


def table(head, aligned, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "|".join(aligned) + "|"]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) +
              " |" for row in rows]
    return "\n".join(lines) + "\n"


def rate_rows(results):
    rows = []
    for one in results:
        if one["reason"]:
            rows.append([one["label"], one["data"], "-", "-", "-",
                         one["reason"]])
        else:
            rows.append([one["label"], one["data"], f"{one['median_s']:.3f}",
                         f"{one['mb_per_s']:.0f}",
                         f"{one['rss_mib']:.0f}", ""])
    return rows


def markdown(results):
    m = results["machine"]
    parts = [
        "# Benchmark of csv-validate-normalize\n",
        f"{m['processor']}, {m['processors']} processors, kernel "
        f"{m['kernel']}; lakeseg {m['version']}; {m['date']}. "
        f"{results['runs']} counted runs, scale {results['scale']:g}.\n",
        "## Goals\n",
        "Ratios are of wall time, taken round by round: median "
        "[least-most]. In brackets the stretch goal.\n",
        table(["measure", "result", "goal", ""], ["---", "--:", "--:", "---"],
              [goal_row(one) for one in results["measures"]]),
        "## Rates\n",
        "Bytes of the input by wall time of the whole process, median; the "
        "highest peak of resident memory.\n"]
    for series in results["series"]:
        parts.append(f"### {series['label']}\n")
        parts.append(table(["command", "set", "s", "MB/s", "MiB", ""],
                           ["---", "---", "--:", "--:", "--:", "---"],
                           rate_rows(series["results"])))
    if results["checks"]:
        parts.append("## Outputs\n")
        parts.append("Each output against the first one's.\n")
        names = list(results["checks"])
        rows = [[label] + [results["checks"][n].get(key, "-") for n in names]
                for key, label in results["checked"]]
        parts.append(table(["job"] + names, ["---"] * (len(names) + 1), rows))
    return "\n".join(parts)


# ---- the picture ----

WIDTH = 860
LABEL = 330  # pixels, to the left of the bars
ROOM = 420   # for the longest bar
STEP = 24
OURS, PEER, MISS = "#1f6feb", "#9aa4b2", "#c0392b"


def svg_text(x, y, text, anchor="start", size=13, weight="normal"):
    return (f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" '
            f'font-size="{size}" font-weight="{weight}">{escape(text)}</text>')


def svg_bar(y, share, color, label, value):
    length = max(1.0, share * ROOM)
    return "".join((
        svg_text(LABEL - 8, y + 13, label, "end"),
        f'<rect x="{LABEL}" y="{y}" width="{length:.1f}" height="17" '
        f'fill="{color}"/>',
        svg_text(LABEL + length + 6, y + 13, value)))


def rate_bars(results, y):
    """MB/s of set A, the quickest first."""
    found = [one for series in results["series"]
             if series["key"] in ("rewrite", "engines")
             for one in series["results"] if not one["reason"]]
    if not found:
        return [], y
    found.sort(key=lambda one: -one["mb_per_s"])
    most = found[0]["mb_per_s"]
    parts = [svg_text(16, y, "Set A, MB/s of input: longer is better", size=15,
                      weight="bold")]
    y += 14
    for one in found:
        color = OURS if one["key"].startswith("norm") else PEER
        parts.append(svg_bar(y, one["mb_per_s"] / most, color, one["label"],
                             f"{one['mb_per_s']:.0f}"))
        y += STEP
    return parts, y + 34


def goal_bars(results, y):
    """Each measure as a share of its goal; the line is the goal."""
    found = [one for one in results["measures"] if one["value"] is not None]
    if not found:
        return [], y
    parts = [svg_text(16, y, "Measures as a share of their goals: left of the "
                      "line is a pass", size=15, weight="bold")]
    y += 14
    top = y
    most = max(1.25, *(min(one["value"] / one["goal"], 3.0) for one in found))
    for one in found:
        share = one["value"] / one["goal"]
        parts.append(svg_bar(
            y, min(share, most) / most, OURS if share <= 1 else MISS,
            one["label"], f"{number(one['value'], one['unit'])} of "
            f"{number(one['goal'], one['unit'])}"))
        y += STEP
    x = LABEL + ROOM / most
    parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top - 4}" y2="{y}" '
                 'stroke="#111" stroke-dasharray="4 3"/>')
    return parts, y + 10


def svg(results):
    rates, y = rate_bars(results, 30)
    goals, y = goal_bars(results, y)
    return "\n".join((
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" '
        f'height="{y}" viewBox="0 0 {WIDTH} {y}" '
        'font-family="sans-serif" fill="#111">',
        "<title>Benchmark of csv-validate-normalize</title>",
        f'<rect width="{WIDTH}" height="{y}" fill="#fff"/>',
        *rates, *goals, "</svg>", ""))
