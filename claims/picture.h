/*
 * A picture of what was observed, drawn while it is observed: lanes by columns (a time line, or a
 * table of cases), or bars.  One picture for each claim at most.
 */
#ifndef PICTURE_H
#define PICTURE_H

/* How a cell or a bar looks: what was done, what came of it, that nothing came, what went wrong. */
enum tone { DONE, CAME, SILENT, WRONG };

/* WORDS: the title.  Lanes from top to bottom, by their names.  Then picture_column() for each step
 * or case, from left to right (its head may be ""), and at most one cell for each lane in it. */
void picture_lanes(const char *words, int count, const char *const names[]);
void picture_column(const char *head);
void picture_cell(int lane, enum tone tone, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* WORDS: the title.  Bars from top to bottom; OF: the unit of their values. */
void picture_bars(const char *words, const char *of);
void picture_bar(enum tone tone, double value, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The picture as SVG, which takes its colours from the page around it; NULL: nothing was drawn.
 * The caller frees it. */
char *picture_svg(void);

#endif
