/* What the pages have in common: head, policy, icons, sections. */
#include "pipeline/base/digest.h"
#include "stages/lakeseg_report/page.h"

void page_open(struct html *h)
{
    PL_AUTO(pl_buf) hash = PL_BUF_INIT;
    unsigned char digest[PL_SHA256_BYTES];

    pl_sha256(page_style, strlen(page_style), digest);
    if (h->err.code == PL_OK &&
        pl_base64(&hash, digest, sizeof(digest), &h->err) != 0)
        return;
    html_put(h, "<!DOCTYPE html>\n<html lang='en'><head>"
                "<meta charset='utf-8'/>"
                "<meta http-equiv='Content-Security-Policy' "
                "content=\"default-src 'none'; base-uri 'none'; "
                "form-action 'none'; style-src 'sha256-");
    html_put(h, pl_buf_str(&hash));
    html_put(h, "'\"/><meta name='viewport' "
                "content='width=device-width, initial-scale=1'/>"
                "<meta name='color-scheme' content='light dark'/>"
                "<meta name='referrer' content='no-referrer'/>"
                "<meta name='robots' content='noindex'/>"
                "<meta name='generator' content='lakeseg " LAKESEG_VERSION
                "'/><title>");
}

void page_open_body(struct html *h)
{
    html_put(h, "</title><style>");
    html_put(h, page_style);
    html_put(h, "</style></head>\n<body><a class='skip' href='#main'>To the "
                "outcome</a>");
}

void page_close(struct html *h)
{
    html_put(h, "</body></html>\n");
}

void page_section(struct html *h, const char *id, const char *title)
{
    html_putf(h,
              "<section id='%s' aria-labelledby='%s-h'><h2 id='%s-h'>%s</h2>\n",
              id, id, id, title);
}

void page_section_end(struct html *h)
{
    html_put(h, "</section>\n");
}

void page_icon(struct html *h, enum page_icon icon)
{
    static const char *const paths[] = {
        [ICON_GOOD] = "M4.5 8.3l2.4 2.4 4.6-5.1",
        [ICON_BAD] = "M5.3 5.3l5.4 5.4M10.7 5.3l-5.4 5.4",
        [ICON_OPEN] = "M4.8 8h6.4"};
    static const char *const names[] = {
        [ICON_GOOD] = "good", [ICON_BAD] = "bad", [ICON_OPEN] = "open"};

    html_putf(h,
              "<svg class='icon %s' viewBox='0 0 16 16' aria-hidden='true'>"
              "<circle cx='8' cy='8' r='8'/><path d='%s'/>"
              "</svg>",
              names[icon], paths[icon]);
}

void page_tile(struct html *h, const char *label)
{
    html_putf(h, "<div><dt>%s</dt><dd>", label);
}

void page_tile_end(struct html *h)
{
    html_put(h, "</dd></div>");
}
