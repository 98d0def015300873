#include "pipeline/aws/sns.h"

#include <string.h>

#include "pipeline/aws/endpoint.h"
#include "pipeline/aws/form.h"
#include "pipeline/aws/xml.h"

int pl_sns_region(const char *topic_arn, char region[64], struct pl_err *err)
{
    if (pl_arn_region(topic_arn, region))
        return 0;
    return pl_fail(err, PL_CONFIG_INVALID, "'%.200s' is no topic's ARN",
                   topic_arn);
}

/* Printable ASCII, at most 99 characters: what old and new rules both take. */
static void clean_subject(const char *text, char out[PL_SNS_SUBJECT_MAX + 1])
{
    size_t n = 0;

    for (; *text != '\0' && n < PL_SNS_SUBJECT_MAX; text++)
        out[n++] = *text >= ' ' && *text <= '~' ? *text : '?';
    out[n] = '\0';
}

static int add_attributes(const struct pl_sns_message *m, struct pl_buf *form,
                          struct pl_err *err)
{
    size_t number = 0;

    for (size_t i = 0; i < m->attribute_count; i++) {
        const struct {
            const char *field;
            const char *value;
        } parts[] = {{"Name", m->attributes[i].name},
                     {"Value.DataType", "String"},
                     {"Value.StringValue", m->attributes[i].value}};

        if (parts[2].value == NULL || *parts[2].value == '\0')
            continue; /* SNS refuses an empty one */
        number++;
        for (size_t k = 0; k < PL_COUNT(parts); k++) {
            char name[64];

            (void)snprintf(name, sizeof(name), "MessageAttributes.entry.%zu.%s",
                           number, parts[k].field);
            if (pl_form_add(form, name, parts[k].value, err) != 0)
                return -1;
        }
    }
    return 0;
}

/* What no XML can carry becomes a blank. */
static int add_message(const char *message, struct pl_buf *form,
                       struct pl_err *err)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT;

    if (pl_buf_adds(&text, message, err) != 0)
        return -1;
    for (char *p = text.data; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' && *p != '\n' && *p != '\t')
            *p = ' ';
    return pl_form_add(form, "Message", text.data, err);
}

static int build(const struct pl_sns_message *m, struct pl_buf *form,
                 struct pl_err *err)
{
    char subject[PL_SNS_SUBJECT_MAX + 1];

    clean_subject(m->subject != NULL ? m->subject : "", subject);
    if (pl_form_add(form, "Action", "Publish", err) != 0 ||
        pl_form_add(form, "Version", "2010-03-31", err) != 0 ||
        pl_form_add(form, "TopicArn", m->topic_arn, err) != 0 ||
        (subject[0] != '\0' &&
         pl_form_add(form, "Subject", subject, err) != 0) ||
        add_message(m->message, form, err) != 0 ||
        add_attributes(m, form, err) != 0)
        return -1;
    if (m->group_id == NULL)
        return 0;
    if (pl_form_add(form, "MessageGroupId", m->group_id, err) != 0)
        return -1;
    if (m->deduplication_id == NULL)
        return 0; /* the topic may go by the content */
    return pl_form_add(form, "MessageDeduplicationId", m->deduplication_id,
                       err);
}

int pl_sns_publish(struct pl_aws *aws, const struct pl_sns_message *message,
                   char message_id[128], struct pl_err *err)
{
    PL_AUTO(pl_buf) form = PL_BUF_INIT;
    PL_AUTO(pl_http_response) resp = {.status = 0};
    char region[64];
    /* at least once: a message told twice is better than one never told */
    const struct pl_aws_call call = {.service = PL_AWS_SNS,
                                     .protocol = PL_AWS_QUERY,
                                     .operation = "Publish",
                                     .region = region,
                                     .is_idempotent = true};

    if (pl_sns_region(message->topic_arn, region, err) != 0 ||
        build(message, &form, err) != 0 ||
        pl_form_send(aws, &call, &form, &resp, err) != 0)
        return -1;
    if (!pl_xml_find(pl_buf_str(&resp.body), resp.body.len, "MessageId",
                     message_id, 128))
        return pl_fail(err, PL_SERVICE_UNAVAILABLE,
                       "Publish answered without a MessageId");
    return 0;
}
