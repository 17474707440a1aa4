#include "fields.h"

#include <math.h>

void field_number(FILE *out, const char *name, double value)
{
    if (isfinite(value) && value == floor(value) && fabs(value) < 0x1p53) /* a count, exactly */
        fprintf(out, ", \"%s\": %.0f", name, value);
    else if (isfinite(value))
        fprintf(out, ", \"%s\": %.9g", name, value);
    else
        fprintf(out, ", \"%s\": null", name);
}

void field_string(FILE *out, const char *name, const char *text)
{
    fprintf(out, ", \"%s\": \"", name);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', out);
        if ((unsigned char)*text >= ' ')
            fputc(*text, out);
    }
    fputc('"', out);
}
