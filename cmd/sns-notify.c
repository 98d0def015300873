/* sns-notify - publish how a run went; see stages/sns_notify. */
#include "pipeline/aws/client.h"
#include "pipeline/manifest/stage.h"
#include "stages/sns_notify/sns_notify.h"

static int run(void *ctx, struct pl_manifest *m, struct pl_err *err)
{
    PL_AUTO(pl_aws) aws = {0};

    if (pl_aws_open(&aws, NULL, err) != 0)
        return -1;
    return sns_notify_run(ctx, &aws, m, err);
}

int main(int argc, char **argv)
{
    struct sns_notify_config cfg = {0};
    const struct pl_opt opts[] = {
        {"topic-arn", PL_OPT_STR, &cfg.topic_arn, "ARN",
         "topic to publish to (manifest: notify.topic_arn)",
         "LAKESEG_TOPIC_ARN"},
        {.name = NULL},
    };
    const struct pl_cli cli = {
        .name = "sns-notify",
        .summary = "publish the outcome of a run to an SNS topic",
        .text =
            "Comes last in the pipe: reads the manifest from standard input, "
            "whatever became of the run, publishes one message with the "
            "attribute notification_type (success or failure) and writes the "
            "manifest with notify.result to standard output.\n\n"
            "When no complete manifest comes, it publishes ManifestInvalid "
            "to --topic-arn or LAKESEG_TOPIC_ARN. It exits with the run's "
            "status; 66 when the run is incomplete; its own only when the "
            "run had succeeded. A publish that fails never changes the run's "
            "status: notify.error tells it.",
        .examples = "pinpoint-import < m.json | sns-notify > receipt.json",
        .see_also = "pinpoint-import(1), lakeseg(1)",
        .opts = opts};
    const struct pl_stage stage = {
        .cli = &cli, .ctx = &cfg, .run = run, .is_last = true};

    return pl_stage_main(&stage, argc, argv);
}
