#include "pipeline/aws/xml.h"

#include <string.h>

#include "pipeline/base/text.h"

void pl_xml_init(struct pl_xml *xml, const char *text, size_t len)
{
    memset(xml, 0, sizeof(*xml));
    xml->at = text;
    xml->end = text + len;
}

static int add_code_point(struct pl_buf *out, unsigned long c)
{
    struct pl_err ignored = {0};
    char utf8[4];
    size_t n = 1;

    if (c == 0 || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
        return -1;
    if (c < 0x80) {
        utf8[0] = (char)c;
    } else {
        n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        for (size_t i = n - 1; i > 0; i--, c >>= 6)
            utf8[i] = (char)(0x80 | (c & 0x3F));
        utf8[0] = (char)((n == 2 ? 0xC0 : n == 3 ? 0xE0 : 0xF0) | c);
    }
    return pl_buf_add(out, utf8, n, &ignored);
}

/* entity: what stands between & and ; */
static int add_entity(struct pl_buf *out, const char *entity, size_t len)
{
    static const struct {
        const char *name;
        char c;
    } known[] = {
        {"lt", '<'}, {"gt", '>'}, {"amp", '&'}, {"quot", '"'}, {"apos", '\''}};
    char number[12] = "";
    const char *digits = number;
    bool is_hex = false;

    for (size_t i = 0; i < PL_COUNT(known); i++)
        if (pl_ieqn(entity, len, known[i].name, strlen(known[i].name)))
            return add_code_point(out, (unsigned char)known[i].c);
    if (len < 2 || entity[0] != '#' || len >= sizeof(number))
        return -1;
    memcpy(number, entity + 1, len - 1);
    is_hex = number[0] == 'x';
    if (is_hex)
        digits++;
    /* strtoul alone would take blanks, signs and another 0x */
    if (*digits == '\0' ||
        digits[strspn(digits, is_hex ? "0123456789abcdefABCDEF"
                                     : "0123456789")] != '\0')
        return -1;
    return add_code_point(out, strtoul(digits, NULL, is_hex ? 16 : 10));
}

static int add_text(struct pl_buf *out, const char *text, size_t len)
{
    struct pl_err ignored = {0};

    while (len > 0) {
        const char *amp = memchr(text, '&', len);
        const size_t plain = amp != NULL ? (size_t)(amp - text) : len;
        const char *semicolon;

        if (pl_buf_add(out, text, plain, &ignored) != 0)
            return -1;
        text += plain;
        len -= plain;
        if (len == 0)
            break;
        semicolon = memchr(text, ';', len < 12 ? len : 12);
        if (semicolon == NULL ||
            add_entity(out, text + 1, (size_t)(semicolon - text - 1)) != 0)
            return -1;
        len -= (size_t)(semicolon + 1 - text);
        text = semicolon + 1;
    }
    return 0;
}

/* Just behind the first occurrence of mark, or NULL. */
static const char *behind(const struct pl_xml *xml, const char *mark)
{
    const size_t len = strlen(mark);

    for (const char *p = xml->at; (size_t)(xml->end - p) >= len; p++)
        if (memcmp(p, mark, len) == 0)
            return p + len;
    return NULL;
}

/* "<?...?>" and "<!--...-->": 1 passed over, 0 something else, -1 broken. */
static int pass_over(struct pl_xml *xml)
{
    const size_t left = (size_t)(xml->end - xml->at);
    const char *next;

    if (left >= 2 && xml->at[1] == '?')
        next = behind(xml, "?>");
    else if (left >= 4 && memcmp(xml->at, "<!--", 4) == 0)
        next = behind(xml, "-->");
    else
        return left >= 2 && xml->at[1] == '!' ? -1 : 0;
    if (next == NULL)
        return -1;
    xml->at = next;
    return 1;
}

/* The end of the tag that begins at xml->at: its '>', outside quotes. */
static const char *tag_end(const struct pl_xml *xml)
{
    char quote = '\0';

    for (const char *p = xml->at; p < xml->end; p++) {
        if (quote != '\0')
            quote = *p == quote ? '\0' : quote;
        else if (*p == '"' || *p == '\'')
            quote = *p;
        else if (*p == '>')
            return p;
    }
    return NULL;
}

static int read_name(struct pl_xml *xml, const char *from, const char *to)
{
    const char *p = from;
    const char *start = from;

    for (; p < to && (unsigned char)*p > ' ' && *p != '/'; p++)
        if (*p == ':')
            start = p + 1;
    if (p == start || (size_t)(p - start) >= sizeof(xml->name))
        return -1;
    memcpy(xml->name, start, (size_t)(p - start));
    xml->name[p - start] = '\0';
    return 0;
}

static enum pl_xml_event read_tag(struct pl_xml *xml)
{
    const char *end = tag_end(xml);
    const bool is_close = xml->end - xml->at >= 2 && xml->at[1] == '/';
    const char *from = xml->at + (is_close ? 2 : 1);
    size_t len = 0; /* of the name with its prefix */

    if (end == NULL || read_name(xml, from, end) != 0)
        return PL_XML_BROKEN;
    while (from + len < end && (unsigned char)from[len] > ' ' &&
           from[len] != '/')
        len++;
    xml->at = end + 1;
    if (is_close) {
        if (xml->depth == 0 || xml->open[xml->depth - 1].len != len ||
            memcmp(xml->open[xml->depth - 1].name, from, len) != 0)
            return PL_XML_BROKEN;
        xml->depth--;
        return PL_XML_END;
    }
    if (xml->depth == PL_XML_DEPTH_MAX)
        return PL_XML_BROKEN;
    xml->open[xml->depth].name = from;
    xml->open[xml->depth].len = len;
    xml->depth++;
    xml->is_empty = end[-1] == '/';
    return PL_XML_BEGIN;
}

enum pl_xml_event pl_xml_next(struct pl_xml *xml, struct pl_buf *out)
{
    if (xml->is_empty) {
        xml->is_empty = false;
        xml->depth--;
        return PL_XML_END;
    }
    while (xml->at < xml->end) {
        const char *open = memchr(xml->at, '<', (size_t)(xml->end - xml->at));
        const char *stop = open != NULL ? open : xml->end;
        int passed;

        if (out != NULL &&
            add_text(out, xml->at, (size_t)(stop - xml->at)) != 0)
            return PL_XML_BROKEN;
        xml->at = stop;
        if (open == NULL)
            break;
        passed = pass_over(xml);
        if (passed < 0)
            return PL_XML_BROKEN;
        if (passed == 0)
            return read_tag(xml);
    }
    return xml->depth == 0 ? PL_XML_DONE : PL_XML_BROKEN;
}

bool pl_xml_find(const char *text, size_t len, const char *name, char *out,
                 size_t cap)
{
    struct pl_xml xml;
    enum pl_xml_event event;

    pl_xml_init(&xml, text, len);
    while ((event = pl_xml_next(&xml, NULL)) == PL_XML_BEGIN ||
           event == PL_XML_END) {
        PL_AUTO(pl_buf) content = PL_BUF_INIT_MAX(65536);

        if (event != PL_XML_BEGIN || strcmp(xml.name, name) != 0)
            continue;
        if (pl_xml_next(&xml, &content) == PL_XML_BROKEN)
            return false;
        (void)snprintf(out, cap, "%s", pl_buf_str(&content));
        return true;
    }
    return false;
}

bool pl_xml_root(const char *text, size_t len, char name[256])
{
    struct pl_xml xml;
    enum pl_xml_event event;

    name[0] = '\0';
    pl_xml_init(&xml, text, len);
    event = pl_xml_next(&xml, NULL);
    if (event == PL_XML_BEGIN)
        memcpy(name, xml.name, sizeof(xml.name));
    while (event == PL_XML_BEGIN || event == PL_XML_END)
        event = pl_xml_next(&xml, NULL);
    return event == PL_XML_DONE && name[0] != '\0';
}
