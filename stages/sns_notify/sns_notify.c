#include "stages/sns_notify/sns_notify.h"

#include <string.h>

#include "pipeline/aws/sns.h"
#include "pipeline/base/log.h"
#include "pipeline/base/opts.h"
#include "pipeline/base/text.h"
#include "pipeline/manifest/outcome.h"

const char *sns_notify_topic(const struct sns_notify_config *cfg,
                             const struct pl_manifest *m)
{
    const char *topic = pl_manifest_str(m, "notify.topic_arn");

    if (cfg->topic_arn != NULL && *cfg->topic_arn != '\0')
        return cfg->topic_arn;
    return topic != NULL ? topic : pl_setting(NULL, "LAKESEG_TOPIC_ARN", NULL);
}

static void add_attribute(struct pl_sns_message *message, const char *name,
                          const char *value)
{
    if (value == NULL || *value == '\0')
        return;
    message->attributes[message->attribute_count].name = name;
    message->attributes[message->attribute_count].value = value;
    message->attribute_count++;
}

int sns_notify_run(const struct sns_notify_config *cfg, struct pl_aws *aws,
                   struct pl_manifest *m, struct pl_err *err)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(PL_SNS_MESSAGE_MAX / 2);
    struct pl_sns_message message = {.topic_arn = sns_notify_topic(cfg, m),
                                     .subject = pl_manifest_subject(m)};
    const char *run_id = pl_manifest_str(m, "run.id");
    char message_id[128];

    if (message.topic_arn == NULL)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "no topic to publish to: set 'notify.topic_arn', "
                       "--topic-arn or LAKESEG_TOPIC_ARN");
    if (pl_outcome_text(m, &text, err) != 0)
        return -1;
    message.message = text.data;
    add_attribute(&message, "notification_type", pl_outcome_type(m));
    add_attribute(&message, "run_id", run_id);
    add_attribute(&message, "run_name", pl_manifest_str(m, "run.name"));
    if (pl_manifest_is_failed(m))
        add_attribute(&message, "error_name", pl_manifest_str(m, "error.name"));
    if (pl_ends_with(message.topic_arn, ".fifo")) {
        message.group_id = "lakeseg";
        message.deduplication_id = run_id;
    }
    if (pl_sns_publish(aws, &message, message_id, err) != 0)
        return pl_context(err, "cannot publish '%s'", message.subject);
    pl_info("published '%s' as %s", message.subject, message_id);
    return pl_manifest_set_str(m, "notify.result.message_id", message_id, err);
}
