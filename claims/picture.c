/* SVG by hand: rectangles and texts.  Widths are estimated: nobody knows the reader's font. */
#include "picture.h"

#include <ctype.h>
#include <err.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "claim.h"

enum {
    LANES_MOST = 8,
    COLUMNS_MOST = 16,
    BARS_MOST = 16,
    LETTER = 7,
    CAPITAL = 9,
    PAD = 10,
    ROW = 38, /* of lanes */
    BOX = 26, /* of a cell within it */
    TITLE = 28,
    HEADS = 28, /* of columns, if one has any */
    BAR_ROW = 26,
    BAR_WIDTH = 380
};

struct cell {
    const char *words;
    enum tone tone;
};

struct column {
    const char *head;
    struct cell cells[LANES_MOST];
};

struct bar {
    const char *name;
    double value;
    enum tone tone;
};

static const char *title, *unit;
static const char *lanes[LANES_MOST];
static struct column columns[COLUMNS_MOST];
static struct bar bars[BARS_MOST];
static int lane_count, column_count, bar_count;

/* Of the page, or of a white one. */
static const char style[] =
    "<style>.picture text{font:13px system-ui,'DejaVu Sans',sans-serif;fill:var(--ink,#1f2328)} "
    ".picture .title{font-weight:600} .picture .head{fill:var(--faint,#59636e);font-size:12px} "
    ".picture line{stroke:var(--line,#d1d9e0)} .picture rect{stroke-width:1.5} "
    ".picture .done{fill:var(--soft,#f6f8fa);stroke:var(--line,#d1d9e0)} "
    ".picture .came{fill:var(--accent,#0a58a8);stroke:var(--accent,#0a58a8)} "
    ".picture text.came{fill:var(--page,#fff);stroke:none} "
    ".picture .silent{fill:var(--page,#fff);stroke:var(--faint,#59636e);stroke-dasharray:4 3} "
    ".picture text.silent{fill:var(--faint,#59636e);stroke:none} "
    ".picture .wrong{fill:var(--warn-soft,#fff4e0);stroke:var(--warn,#8a4b00)} "
    ".picture text.wrong{fill:var(--warn,#8a4b00);stroke:none} "
    ".picture text.done{stroke:none;fill:var(--ink,#1f2328)}</style>";

static const char *const classes[] = {
    [DONE] = "done", [CAME] = "came", [SILENT] = "silent", [WRONG] = "wrong"};

void picture_lanes(const char *words, int count, const char *const names[])
{
    if (title || count > LANES_MOST)
        errx(1, "a second picture, or more than %d lanes", LANES_MOST);
    title = words;
    lane_count = count;
    memcpy(lanes, names, (size_t)count * sizeof *names);
}

void picture_column(const char *head)
{
    if (column_count == COLUMNS_MOST)
        errx(1, "more than %d columns in a picture", COLUMNS_MOST);
    columns[column_count++] = (struct column){.head = head};
}

void picture_cell(int lane, enum tone tone, const char *format, ...)
{
    va_list arguments;
    if (column_count == 0 || lane >= lane_count)
        errx(1, "no such place in the picture: column %d, lane %d", column_count, lane);
    va_start(arguments, format);
    columns[column_count - 1].cells[lane] = (struct cell){text_from(format, arguments), tone};
    va_end(arguments);
}

void picture_bars(const char *words, const char *of)
{
    if (title)
        errx(1, "a second picture");
    title = words;
    unit = of;
}

void picture_bar(enum tone tone, double value, const char *format, ...)
{
    va_list arguments;
    if (bar_count == BARS_MOST)
        errx(1, "more than %d bars in a picture", BARS_MOST);
    va_start(arguments, format);
    bars[bar_count++] = (struct bar){text_from(format, arguments), value, tone};
    va_end(arguments);
}

static int width_of(const char *words)
{
    int width = words ? 2 * PAD : 0;
    for (; words && *words; words++)
        width += isupper((unsigned char)*words) ? CAPITAL : LETTER;
    return width;
}

static int wider(int a, int b)
{
    return a > b ? a : b;
}

static int column_width(const struct column *column)
{
    int width = wider(width_of(column->head), 44);
    for (int i = 0; i < lane_count; i++)
        width = wider(width, width_of(column->cells[i].words));
    return width;
}

static void put_words(FILE *out, const char *words)
{
    for (; *words; words++) {
        if (*words == '<')
            fputs("&lt;", out);
        else if (*words == '&')
            fputs("&amp;", out);
        else
            fputc(*words, out);
    }
}

static void put_text(FILE *out, int x, int y, const char *anchor, const char *class,
                     const char *words)
{
    fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\" class=\"%s\">", x, y, anchor, class);
    put_words(out, words);
    fputs("</text>", out);
}

static void put_box(FILE *out, int x, int y, int width, int height, enum tone tone)
{
    fprintf(out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"4\" class=\"%s\"/>", x, y,
            width, height, classes[tone]);
}

static void begin(FILE *out, int width, int height)
{
    width = wider(width, width_of(title) * 9 / 8); /* it is bold */
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"picture\" role=\"img\" "
            "viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\">%s<title>",
            width, height, width, height, style);
    put_words(out, title);
    fputs("</title>", out);
    put_text(out, 0, 16, "start", "title", title);
}

/* Where the lanes begin. */
static int top(void)
{
    for (int i = 0; i < column_count; i++)
        if (*columns[i].head)
            return TITLE + HEADS;
    return TITLE;
}

static void put_column(FILE *out, const struct column *column, int x, int width)
{
    put_text(out, x + width / 2, TITLE + HEADS / 2 + 4, "middle", "head", column->head);
    for (int lane = 0; lane < lane_count; lane++) {
        const struct cell *cell = &column->cells[lane];
        int y = top() + lane * ROW;
        if (!cell->words)
            continue;
        put_box(out, x + 3, y + (ROW - BOX) / 2, width - 6, BOX, cell->tone);
        put_text(out, x + width / 2, y + ROW / 2 + 5, "middle", classes[cell->tone], cell->words);
    }
}

static void put_lanes(FILE *out)
{
    int left = 0, width = 0;
    for (int i = 0; i < lane_count; i++)
        left = wider(left, width_of(lanes[i]));
    for (int i = 0; i < column_count; i++)
        width += column_width(&columns[i]);
    begin(out, left + width + PAD, top() + lane_count * ROW + PAD);
    for (int lane = 0; lane < lane_count; lane++) {
        int middle = top() + lane * ROW + ROW / 2;
        put_text(out, left - PAD, middle + 5, "end", "lane", lanes[lane]);
        fprintf(out, "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>", left, middle, left + width,
                middle);
    }
    for (int i = 0, x = left; i < column_count; i++) {
        put_column(out, &columns[i], x, column_width(&columns[i]));
        x += column_width(&columns[i]);
    }
}

static void put_bars(FILE *out)
{
    int left = 0;
    double most = 0;
    for (int i = 0; i < bar_count; i++) {
        left = wider(left, width_of(bars[i].name));
        most = bars[i].value > most ? bars[i].value : most;
    }
    begin(out, left + BAR_WIDTH + 110, TITLE + bar_count * BAR_ROW + PAD);
    for (int i = 0; i < bar_count; i++) {
        int y = TITLE + i * BAR_ROW;
        int length = most > 0 ? (int)(BAR_WIDTH * bars[i].value / most + 0.5) : 0;
        put_text(out, left - PAD, y + 17, "end", "lane", bars[i].name);
        put_box(out, left, y + 4, wider(length, 1), BAR_ROW - 9, bars[i].tone);
        const char *format = bars[i].value == floor(bars[i].value) ? "%.0f %s" : "%.3g %s";
        put_text(out, left + wider(length, 1) + 8, y + 17, "start", "value",
                 text(format, bars[i].value, unit));
    }
}

char *picture_svg(void)
{
    char *svg = NULL;
    size_t size = 0;
    if (!title)
        return NULL;
    FILE *out = open_memstream(&svg, &size);
    if (!out)
        err(1, "no memory for a picture");
    if (lane_count)
        put_lanes(out);
    else
        put_bars(out);
    fputs("</svg>", out);
    if (fclose(out) != 0)
        err(1, "no memory for a picture");
    return svg;
}
