/*
 * xml.h - a small pull reader for the XML that services answer with: elements
 * and text, no more. Bounded: names of 255 bytes, a depth of 32. Attributes,
 * comments, the prologue are passed over; a DOCTYPE, an end that is not the
 * begun element's and entities of one's own are refused.
 */
#ifndef PL_AWS_XML_H
#define PL_AWS_XML_H

#include "pipeline/base/buf.h"

#define PL_XML_DEPTH_MAX 32

struct pl_xml {
    const char *at;
    const char *end;
    unsigned depth; /* of the element just begun */
    char name[256]; /* without a prefix */
    bool is_empty;  /* "<x/>": its end is still to come */
    struct {
        const char *name; /* in the text, with its prefix */
        size_t len;
    } open[PL_XML_DEPTH_MAX]; /* the elements begun and not ended */
};

enum pl_xml_event { PL_XML_BEGIN, PL_XML_END, PL_XML_DONE, PL_XML_BROKEN };

void pl_xml_init(struct pl_xml *xml, const char *text, size_t len);
/* Moves to the next begin or end of an element; text between, decoded, is
 * appended to out (NULL: dropped). */
enum pl_xml_event pl_xml_next(struct pl_xml *xml, struct pl_buf *out);

/* Finds the first element with this name anywhere and copies its text (cut to
 * fit) to out. False when there is none or the XML is broken before it. */
bool pl_xml_find(const char *text, size_t len, const char *name, char *out,
                 size_t cap);
/* Whether the text is well-formed from its first element to its end; name gets
 * that element's name, or "" when there is none. */
bool pl_xml_root(const char *text, size_t len, char name[256]);

#endif
