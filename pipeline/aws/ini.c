#include "pipeline/aws/ini.h"

#include <string.h>

#include "pipeline/base/text.h"

/* A line without its end, blanks and comment. */
struct line {
    const char *text;
    size_t len;
    size_t raw_len; /* with the comment */
    bool is_indented;
};

static size_t trimmed(const char *text, size_t len)
{
    while (len > 0 && (unsigned char)text[len - 1] <= ' ')
        len--;
    return len;
}

/* Moves *at behind the line. */
static struct line next_line(const char **at, const char *end)
{
    const char *lf = memchr(*at, '\n', (size_t)(end - *at));
    const char *stop = lf != NULL ? lf : end;
    struct line line = {*at, (size_t)(stop - *at), 0, false};

    *at = lf != NULL ? lf + 1 : end;
    line.is_indented =
        line.len > 0 && (line.text[0] == ' ' || line.text[0] == '\t');
    while (line.len > 0 && (unsigned char)line.text[0] <= ' ') {
        line.text++;
        line.len--;
    }
    if (line.len > 0 && (line.text[0] == '#' || line.text[0] == ';'))
        line.len = 0;
    line.raw_len = trimmed(line.text, line.len);
    for (size_t i = 1; i < line.len; i++) /* an inline comment */
        if ((line.text[i] == '#' || line.text[i] == ';') &&
            (unsigned char)line.text[i - 1] <= ' ')
            line.len = i;
    line.len = trimmed(line.text, line.len);
    return line;
}

static bool is_header(const struct line *line)
{
    return line->len >= 2 && line->text[0] == '[' &&
           line->text[line->len - 1] == ']';
}

/* "[ profile  'my name' ]" is section "profile my name". */
static bool is_section(const struct line *line, const char *name)
{
    const char *p = line->text + 1;
    const char *end = p + trimmed(p, line->len - 2);
    bool is_gap = false;

    while (p < end && (unsigned char)*p <= ' ')
        p++;
    for (; p < end; p++) {
        if (*p == '"' || *p == '\'')
            continue;
        if ((unsigned char)*p <= ' ') {
            is_gap = true;
            continue;
        }
        if (is_gap && *name++ != ' ')
            return false;
        is_gap = false;
        if (*name == '\0' || *name++ != *p)
            return false;
    }
    return *name == '\0';
}

/* Whether the line is "key = ...", and what follows. */
static bool is_key(const struct line *line, const char *key, const char **value,
                   size_t *len)
{
    const char *equals = memchr(line->text, '=', line->len);
    const char *end =
        line->text +
        (pl_ieq(key, "credential_process") ? line->raw_len : line->len);
    size_t name;

    if (equals == NULL)
        return false;
    name = trimmed(line->text, (size_t)(equals - line->text));
    if (name == 0 || !pl_ieqn(line->text, name, key, strlen(key)))
        return false;
    for (equals++; equals < end && (unsigned char)*equals <= ' ';)
        equals++;
    *value = equals;
    *len = (size_t)(end - equals);
    return true;
}

/* What is looked for, and where in the text we are. */
struct search {
    const char *section;
    const char *parent; /* NULL: a setting of the section itself */
    const char *key;    /* NULL: the section */
    bool is_inside;     /* the section */
    bool is_below;      /* the parent */
};

static bool is_hit(struct search *s, const struct line *line,
                   const char **value, size_t *len)
{
    if (is_header(line)) {
        s->is_inside = is_section(line, s->section);
        s->is_below = false;
        return s->is_inside && s->key == NULL;
    }
    if (!s->is_inside || s->key == NULL || line->len == 0)
        return false;
    if (s->parent == NULL)
        return !line->is_indented && is_key(line, s->key, value, len);
    if (!line->is_indented)
        s->is_below = is_key(line, s->parent, value, len) && *len == 0;
    return line->is_indented && s->is_below && is_key(line, s->key, value, len);
}

/* The last one counts. */
static bool search(const char *text, size_t len, struct search *s, char *out,
                   size_t cap)
{
    const char *at = text;
    bool is_found = false;

    while (at < text + len) {
        const struct line line = next_line(&at, text + len);
        const char *value = NULL;
        size_t value_len = 0;

        if (!is_hit(s, &line, &value, &value_len))
            continue;
        if (s->key == NULL)
            return true;
        (void)snprintf(out, cap, "%.*s", (int)value_len, value);
        is_found = true;
    }
    return is_found;
}

bool pl_ini_find(const char *text, size_t len, const char *section,
                 const char *key, char *out, size_t cap)
{
    struct search s = {.section = section, .key = key};

    return search(text, len, &s, out, cap);
}

bool pl_ini_has(const char *text, size_t len, const char *section)
{
    struct search s = {.section = section};

    return search(text, len, &s, NULL, 0);
}

bool pl_ini_find_nested(const char *text, size_t len, const char *section,
                        const char *parent, const char *key, char *out,
                        size_t cap)
{
    struct search s = {.section = section, .parent = parent, .key = key};

    return search(text, len, &s, out, cap);
}
