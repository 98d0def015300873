/*
 * xml.h - the little XML that S3, SNS and STS need: elements out, flat
 * documents in.
 */
#ifndef LOCAL_XML_H
#define LOCAL_XML_H

#include "pipeline/base/buf.h"

/* Appends text with the five special characters and CR escaped. */
int local_xml_text(struct pl_buf *out, const char *text,
                   struct pl_err *err) PL_MUST_CHECK;
/* Appends <name>text</name>. */
int local_xml_element(struct pl_buf *out, const char *name, const char *text,
                      struct pl_err *err) PL_MUST_CHECK;

/* One step through a document. */
enum local_xml_kind { LOCAL_XML_OPEN, LOCAL_XML_CLOSE, LOCAL_XML_END };

struct local_xml {
    const char *at;
    const char *end;
    char name[64];      /* of the element opened or closed, without prefix */
    struct pl_buf text; /* at a close: the text since the last tag, decoded */
};

void local_xml_init(struct local_xml *xml, const char *text, size_t len);
void local_xml_release(struct local_xml *xml);
/* The next opening or closing tag; an empty element gives its opening alone.
 * Fails with PL_DATA_INVALID on what is no XML. */
int local_xml_next(struct local_xml *xml, enum local_xml_kind *kind,
                   struct pl_err *err) PL_MUST_CHECK;

#endif
