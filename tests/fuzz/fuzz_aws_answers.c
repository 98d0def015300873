/* What services answer: XML, ini and credentials JSON of any shape. */
#include <stdlib.h>
#include <string.h>

#include "pipeline/aws/credentials_sources.h"
#include "pipeline/aws/errors.h"
#include "pipeline/aws/ini.h"
#include "pipeline/aws/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    PL_AUTO(pl_buf) content = PL_BUF_INIT_MAX(65536);
    PL_AUTO(pl_credentials) keys = {.expires_at = 0};
    PL_AUTO(pl_http_response) resp = {.status = 500};
    struct pl_service_error error = {{0}, {0}, {0}, {0}};
    struct pl_err err = {0};
    struct pl_xml xml;
    enum pl_xml_event event;
    char value[64];

    pl_xml_init(&xml, text, size);
    while ((event = pl_xml_next(&xml, &content)) == PL_XML_BEGIN ||
           event == PL_XML_END)
        pl_buf_reset(&content);
    (void)pl_xml_find(text, size, "Code", value, sizeof(value));
    (void)pl_ini_find(text, size, "default", "region", value, sizeof(value));
    (void)pl_credentials_parse_container(text, size, &keys, &err);
    pl_err_clear(&err);
    if (pl_buf_add(&resp.body, text, size, &err) == 0)
        for (int p = PL_AWS_JSON; p <= PL_AWS_S3XML; p++)
            pl_error_read((enum pl_aws_protocol)p, &resp, &error);
    return 0;
}
