#include "local/xml.h"

#include "pipeline/base/text.h"

int local_xml_text(struct pl_buf *out, const char *text, struct pl_err *err)
{
    for (; *text != '\0'; text++) {
        const char *entity = NULL;

        switch (*text) {
        case '&':
            entity = "&amp;";
            break;
        case '<':
            entity = "&lt;";
            break;
        case '>':
            entity = "&gt;";
            break;
        case '"':
            entity = "&quot;";
            break;
        case '\r':
            entity = "&#13;";
            break;
        default:
            break;
        }
        if ((entity != NULL ? pl_buf_adds(out, entity, err)
                            : pl_buf_addc(out, *text, err)) != 0)
            return -1;
    }
    return 0;
}

int local_xml_element(struct pl_buf *out, const char *name, const char *text,
                      struct pl_err *err)
{
    if (pl_buf_addf(out, err, "<%s>", name) != 0 ||
        local_xml_text(out, text, err) != 0)
        return -1;
    return pl_buf_addf(out, err, "</%s>", name);
}

void local_xml_init(struct local_xml *xml, const char *text, size_t len)
{
    *xml = (struct local_xml){.at = text, .end = text + len};
}

void local_xml_release(struct local_xml *xml)
{
    pl_buf_release(&xml->text);
}

static int malformed(struct pl_err *err)
{
    return pl_fail(err, PL_DATA_INVALID, "malformed XML");
}

/* Appends a character by its number, as UTF-8. */
static int add_char(struct pl_buf *out, unsigned long c, struct pl_err *err)
{
    char utf8[4];
    size_t len;

    if (c == 0 || c > 0x10ffff)
        return malformed(err);
    if (c < 0x80) {
        utf8[0] = (char)c;
        len = 1;
    } else if (c < 0x800) {
        utf8[0] = (char)(0xc0 | c >> 6);
        utf8[1] = (char)(0x80 | (c & 0x3f));
        len = 2;
    } else if (c < 0x10000) {
        utf8[0] = (char)(0xe0 | c >> 12);
        utf8[1] = (char)(0x80 | (c >> 6 & 0x3f));
        utf8[2] = (char)(0x80 | (c & 0x3f));
        len = 3;
    } else {
        utf8[0] = (char)(0xf0 | c >> 18);
        utf8[1] = (char)(0x80 | (c >> 12 & 0x3f));
        utf8[2] = (char)(0x80 | (c >> 6 & 0x3f));
        utf8[3] = (char)(0x80 | (c & 0x3f));
        len = 4;
    }
    return pl_buf_add(out, utf8, len, err);
}

static int add_entity(struct pl_buf *out, const char *name, size_t len,
                      struct pl_err *err)
{
    static const struct {
        const char *name;
        char c;
    } known[] = {
        {"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''},
    };
    char digits[12];
    char *end = NULL;

    for (size_t i = 0; i < PL_COUNT(known); i++)
        if (strlen(known[i].name) == len &&
            memcmp(known[i].name, name, len) == 0)
            return pl_buf_addc(out, known[i].c, err);
    if (len < 2 || len > 9 || name[0] != '#')
        return malformed(err);
    memcpy(digits, name + 1, len - 1);
    digits[len - 1] = '\0';
    return digits[0] == 'x' ? add_char(out, strtoul(digits + 1, &end, 16), err)
                            : add_char(out, strtoul(digits, &end, 10), err);
}

static int read_text(struct local_xml *xml, struct pl_err *err)
{
    while (xml->at < xml->end && *xml->at != '<') {
        if (*xml->at == '&') {
            const char *name = xml->at + 1;
            const char *semi = memchr(name, ';', (size_t)(xml->end - name));

            if (semi == NULL ||
                add_entity(&xml->text, name, (size_t)(semi - name), err) != 0)
                return malformed(err);
            xml->at = semi + 1;
        } else if (pl_buf_addc(&xml->text, *xml->at++, err) != 0) {
            return -1;
        }
    }
    return 0;
}

/* Keeps the name in a tag's inside: no attributes, no namespace prefix. */
static int keep_name(struct local_xml *xml, const char *tag, size_t len,
                     struct pl_err *err)
{
    size_t n = 0;
    const char *colon;

    while (n < len && strchr(" \t\r\n/", tag[n]) == NULL)
        n++;
    colon = memchr(tag, ':', n);
    if (colon != NULL) {
        n -= (size_t)(colon + 1 - tag);
        tag = colon + 1;
    }
    if (n == 0 || n >= sizeof(xml->name))
        return malformed(err);
    memcpy(xml->name, tag, n);
    xml->name[n] = '\0';
    return 0;
}

int local_xml_next(struct local_xml *xml, enum local_xml_kind *kind,
                   struct pl_err *err)
{
    for (;;) {
        const char *tag;
        const char *close;
        size_t len;

        if (read_text(xml, err) != 0)
            return -1;
        if (xml->at == xml->end) {
            *kind = LOCAL_XML_END;
            return 0;
        }
        tag = xml->at + 1;
        close = memchr(tag, '>', (size_t)(xml->end - tag));
        if (close == NULL)
            return malformed(err);
        len = (size_t)(close - tag);
        xml->at = close + 1;
        if (len > 0 && (tag[0] == '?' || tag[0] == '!'))
            continue; /* declaration or comment */
        if (len > 0 && tag[0] == '/') {
            *kind = LOCAL_XML_CLOSE;
            return keep_name(xml, tag + 1, len - 1, err);
        }
        pl_buf_reset(&xml->text);
        *kind = LOCAL_XML_OPEN;
        return keep_name(xml, tag, len, err);
    }
}
