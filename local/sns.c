/* SNS: topics, and messages that are kept to be read back. */
#include "local/local.h"

#include "local/xml.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/digest.h"
#include "pipeline/base/text.h"

#define XMLNS "http://sns.amazonaws.com/doc/2010-03-31/"
#define MESSAGE_MAX 262144
#define SUBJECT_MAX 99
#define MESSAGES_MAX 10000 /* the oldest go */

struct local_sns {
    pthread_mutex_t lock;
    json_t *topics;   /* names */
    json_t *messages; /* as the admin path gives them */
};

int local_sns_open(struct local *local, struct pl_err *err)
{
    struct local_sns *sns = calloc(1, sizeof(*sns));

    if (sns == NULL)
        return pl_fail_memory(err);
    (void)pthread_mutex_init(&sns->lock, NULL);
    sns->topics = json_array();
    sns->messages = json_array();
    local->sns = sns;
    return 0;
}

void local_sns_close(struct local *local)
{
    if (local->sns == NULL)
        return;
    json_decref(local->sns->topics);
    json_decref(local->sns->messages);
    (void)pthread_mutex_destroy(&local->sns->lock);
    free(local->sns);
    local->sns = NULL;
}

json_t *local_sns_messages(struct local *local)
{
    json_t *copy;

    (void)pthread_mutex_lock(&local->sns->lock);
    copy = json_deep_copy(local->sns->messages);
    (void)pthread_mutex_unlock(&local->sns->lock);
    return copy;
}

static bool is_topic_name(const char *name)
{
    size_t len = strlen(name);

    if (pl_ends_with(name, ".fifo"))
        len -= strlen(".fifo");
    return len > 0 && len <= 256 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "0123456789-_") == len;
}

/* Needs the lock. */
static bool has_topic(const struct local_sns *sns, const char *name)
{
    for (size_t i = 0; i < json_array_size(sns->topics); i++)
        if (strcmp(json_string_value(json_array_get(sns->topics, i)), name) ==
            0)
            return true;
    return false;
}

int local_sns_topic(struct local *local, const char *name, struct pl_err *err)
{
    int rc = 0;

    if (!is_topic_name(name))
        return pl_fail(err, PL_USAGE_INVALID, "'%s' is no topic name", name);
    (void)pthread_mutex_lock(&local->sns->lock);
    if (!has_topic(local->sns, name))
        rc = json_array_append_new(local->sns->topics, json_string(name));
    (void)pthread_mutex_unlock(&local->sns->lock);
    return rc == 0 ? 0 : pl_fail_memory(err);
}

/* <ActionResponse><ActionResult>inner</ActionResult>... */
static int answer(struct local_request *req, struct local_response *resp,
                  const char *inner, struct pl_err *err)
{
    resp->status = 200;
    if (pl_buf_addf(&resp->body, err,
                    "<%sResponse xmlns=\"" XMLNS "\"><%sResult>%s</%sResult>"
                    "<ResponseMetadata><RequestId>%s</RequestId>"
                    "</ResponseMetadata></%sResponse>\n",
                    req->operation, req->operation, inner, req->operation,
                    req->request_id, req->operation) != 0)
        return -1;
    return local_set_header(resp, "Content-Type", "text/xml", err);
}

static int add_arn(struct pl_buf *out, const struct local *local,
                   const char *name, struct pl_err *err)
{
    return pl_buf_addf(
        out, err, "<TopicArn>arn:aws:sns:%s:" LOCAL_ACCOUNT ":%s</TopicArn>",
        local->region, name);
}

static int create_topic(struct local *local, struct local_request *req,
                        struct local_response *resp, struct pl_err *err)
{
    const char *name = local_query(req, "Name");
    PL_AUTO(pl_buf) inner = PL_BUF_INIT;

    if (name == NULL || !is_topic_name(name))
        return local_refuse(req, resp, 400, "InvalidParameter",
                            "Invalid parameter: Topic Name");
    if (local_sns_topic(local, name, err) != 0 ||
        add_arn(&inner, local, name, err) != 0)
        return -1;
    return answer(req, resp, inner.data, err);
}

static int list_topics(struct local *local, struct local_request *req,
                       struct local_response *resp, struct pl_err *err)
{
    PL_AUTO(pl_buf) inner = PL_BUF_INIT;
    int rc = pl_buf_adds(&inner, "<Topics>", err);

    (void)pthread_mutex_lock(&local->sns->lock);
    for (size_t i = 0; rc == 0 && i < json_array_size(local->sns->topics); i++)
        if (pl_buf_adds(&inner, "<member>", err) != 0 ||
            add_arn(&inner, local,
                    json_string_value(json_array_get(local->sns->topics, i)),
                    err) != 0 ||
            pl_buf_adds(&inner, "</member>", err) != 0)
            rc = -1;
    (void)pthread_mutex_unlock(&local->sns->lock);
    if (rc != 0 || pl_buf_adds(&inner, "</Topics>", err) != 0)
        return -1;
    return answer(req, resp, inner.data, err);
}

/* ASCII 32..126, shorter than 100, not beginning with a blank. */
static bool is_subject(const char *text)
{
    for (const char *p = text; *p != '\0'; p++)
        if (*p < ' ' || *p > '~')
            return false;
    return text[0] != '\0' && text[0] != ' ' && strlen(text) <= SUBJECT_MAX;
}

static bool is_attribute_name(const char *name)
{
    const size_t len = strlen(name);

    return len > 0 && len <= 256 && name[0] != '.' && name[len - 1] != '.' &&
           strstr(name, "..") == NULL &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "0123456789_-.") == len &&
           !pl_ieqn(name, len < 4 ? len : 4, "AWS.", 4) &&
           !pl_ieqn(name, len < 7 ? len : 7, "Amazon.", 7);
}

/* Reads MessageAttributes.entry.N.*; NULL and *why on a bad one. */
static json_t *read_attributes(const struct local_request *req, size_t *bytes,
                               const char **why)
{
    static const char *const parts[] = {
        "Name", "Value.DataType", "Value.StringValue", "Value.BinaryValue"};
    json_t *all = json_object();

    for (unsigned n = 1;; n++) {
        const char *v[4];
        const char *value;

        for (size_t i = 0; i < 4; i++) {
            char name[64];

            (void)snprintf(name, sizeof(name), "MessageAttributes.entry.%u.%s",
                           n, parts[i]);
            v[i] = local_query(req, name);
        }
        if (v[0] == NULL)
            return all;
        value = v[2] != NULL ? v[2] : v[3];
        *why = !is_attribute_name(v[0])     ? "name is invalid"
               : v[1] == NULL               ? "type is missing"
               : value == NULL || !value[0] ? "value must not be empty"
                                            : NULL;
        if (*why == NULL && json_object_get(all, v[0]) != NULL)
            *why = "name is there twice";
        if (*why != NULL) {
            json_decref(all);
            return NULL;
        }
        *bytes += strlen(v[0]) + strlen(v[1]) + strlen(value);
        (void)json_object_set_new(
            all, v[0], json_pack("{s:s,s:s}", "type", v[1], "value", value));
    }
}

/* Keeps the message unless its topic is unknown or it came before. */
static bool keep(struct local *local, const char *topic, json_t *take,
                 char id[40])
{
    struct local_sns *sns = local->sns;
    const char *dedup = json_string_value(json_object_get(take, "dedup_id"));
    bool found;

    (void)pthread_mutex_lock(&sns->lock);
    found = has_topic(sns, topic);
    for (size_t i = 0; found && dedup != NULL && take != NULL &&
                       i < json_array_size(sns->messages);
         i++) {
        const json_t *old = json_array_get(sns->messages, i);
        const char *d = json_string_value(json_object_get(old, "dedup_id"));

        if (d == NULL || strcmp(d, dedup) != 0 ||
            !json_equal(json_object_get(old, "topic"),
                        json_object_get(take, "topic")))
            continue;
        (void)snprintf(id, 40, "%s",
                       json_string_value(json_object_get(old, "message_id")));
        json_decref(take);
        take = NULL;
        dedup = NULL;
    }
    if (found && take != NULL) {
        if (json_array_size(sns->messages) >= MESSAGES_MAX)
            (void)json_array_remove(sns->messages, 0);
        (void)json_array_append(sns->messages, take);
    }
    (void)pthread_mutex_unlock(&sns->lock);
    json_decref(take);
    return found;
}

static int bad(struct local_request *req, struct local_response *resp,
               const char *text)
{
    return local_refuse(req, resp, 400, "InvalidParameter",
                        "Invalid parameter: %s", text);
}

/* The topic's name in an ARN of this account and region, or NULL. */
static const char *topic_name(const struct local *local, const char *arn)
{
    char start[128];

    (void)snprintf(start, sizeof(start), "arn:aws:sns:%.60s:" LOCAL_ACCOUNT ":",
                   local->region);
    return pl_starts_with(arn, start) ? arn + strlen(start) : NULL;
}

static const char *check_publish(const struct local_request *req,
                                 const char *arn, size_t attribute_bytes)
{
    const char *message = local_query(req, "Message");
    const char *subject = local_query(req, "Subject");
    const char *structure = local_query(req, "MessageStructure");

    if (arn == NULL)
        return "TopicArn or TargetArn Reason: no value for required parameter";
    if (!pl_starts_with(arn, "arn:"))
        return "TopicArn Reason: An ARN must have at least 6 elements, not 1";
    if (message == NULL || message[0] == '\0')
        return "Empty message";
    if (strlen(message) + attribute_bytes > MESSAGE_MAX)
        return "Message too long";
    if (pl_utf8_valid_len(message, strlen(message)) != strlen(message))
        return "Message is not UTF-8";
    for (const char *p = message; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' && strchr("\t\n\r", *p) == NULL)
            return "Message has a control character";
    if (subject != NULL && !is_subject(subject))
        return "Subject";
    if (structure != NULL && strcmp(structure, "json") != 0)
        return "MessageStructure";
    if (pl_ends_with(arn, ".fifo") &&
        local_query(req, "MessageGroupId") == NULL)
        return "The MessageGroupId parameter is required for FIFO topics";
    return NULL;
}

static json_t *make_message(const struct local_request *req, const char *arn,
                            json_t *attributes, const char *id)
{
    const char *group = local_query(req, "MessageGroupId");
    const char *dedup = local_query(req, "MessageDeduplicationId");
    char now[PL_TIME_LEN];
    json_t *m;

    pl_time_iso(pl_now_ms(&pl_clock_real), now);
    m = json_pack("{s:s,s:s*,s:s,s:O,s:s,s:s}", "topic", arn, "subject",
                  local_query(req, "Subject"), "message",
                  local_query(req, "Message"), "attributes", attributes,
                  "message_id", id, "published_at", now);
    if (m != NULL && group != NULL)
        (void)json_object_set_new(m, "group_id", json_string(group));
    if (m != NULL && dedup != NULL)
        (void)json_object_set_new(m, "dedup_id", json_string(dedup));
    return m;
}

static int publish(struct local *local, struct local_request *req,
                   struct local_response *resp, struct pl_err *err)
{
    const char *arn = local_query(req, "TopicArn");
    const char *why = NULL;
    char id[40];
    char inner[80];
    size_t bytes = 0;
    json_t *attributes = read_attributes(req, &bytes, &why);
    json_t *message = NULL;

    if (arn == NULL)
        arn = local_query(req, "TargetArn");
    if (attributes == NULL)
        return local_refuse(req, resp, 400, "ParameterValueInvalid",
                            "The message attribute %s", why);
    why = check_publish(req, arn, bytes);
    if (why == NULL && local_uuid(id, err) == 0)
        message = make_message(req, arn, attributes, id);
    json_decref(attributes);
    if (why != NULL)
        return bad(req, resp, why);
    if (message == NULL)
        return pl_fail(err, PL_INTERNAL_ERROR, "cannot keep a message");
    if (topic_name(local, arn) == NULL ||
        !keep(local, topic_name(local, arn), json_incref(message), id)) {
        json_decref(message);
        return local_refuse(req, resp, 404, "NotFound", "Topic does not exist");
    }
    json_decref(message);
    (void)snprintf(inner, sizeof(inner), "<MessageId>%s</MessageId>", id);
    return answer(req, resp, inner, err);
}

static int topic_attributes(struct local *local, struct local_request *req,
                            struct local_response *resp, struct pl_err *err)
{
    const char *arn = local_query(req, "TopicArn");
    const char *name = arn != NULL ? topic_name(local, arn) : NULL;
    PL_AUTO(pl_buf) inner = PL_BUF_INIT;
    bool found = false;

    if (arn == NULL || !pl_starts_with(arn, "arn:"))
        return bad(req, resp, "TopicArn");
    if (name != NULL) {
        (void)pthread_mutex_lock(&local->sns->lock);
        found = has_topic(local->sns, name);
        (void)pthread_mutex_unlock(&local->sns->lock);
    }
    if (!found)
        return local_refuse(req, resp, 404, "NotFound", "Topic does not exist");
    if (pl_buf_addf(&inner, err,
                    "<Attributes><entry><key>TopicArn</key><value>%s</value>"
                    "</entry><entry><key>Owner</key><value>" LOCAL_ACCOUNT
                    "</value></entry></Attributes>",
                    arn) != 0)
        return -1;
    return answer(req, resp, inner.data, err);
}

int local_sns_handle(struct local *local, struct local_request *req,
                     struct local_response *resp, struct pl_err *err)
{
    if (strcmp(req->operation, "Publish") == 0)
        return publish(local, req, resp, err);
    if (strcmp(req->operation, "CreateTopic") == 0)
        return create_topic(local, req, resp, err);
    if (strcmp(req->operation, "ListTopics") == 0)
        return list_topics(local, req, resp, err);
    if (strcmp(req->operation, "GetTopicAttributes") == 0)
        return topic_attributes(local, req, resp, err);
    return local_refuse(req, resp, 400, "InvalidAction",
                        "The action %.60s is not valid for this endpoint.",
                        req->operation);
}
