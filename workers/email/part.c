#include "workers/email/part.h"

/* What GMime's choice of an encoding does not look at: white space at a line's end may be lost on
 * the way, and a line that begins as our boundaries do would end the part. */
static bool is_fragile(const char *line, size_t n)
{
    static const char marker[] = "--=_";
    return n > 0 && (line[n - 1] == ' ' || line[n - 1] == '\t' ||
                     (n >= sizeof marker - 1 && memcmp(line, marker, sizeof marker - 1) == 0));
}

/* The text with every line ending in eol, the last one too. */
static GByteArray *lines_of(gw_str text, const char *eol, bool *ret_fragile)
{
    GByteArray *out = g_byte_array_sized_new((guint)(text.n + text.n / 16 + 2));
    const char *end = text.p + text.n;
    guint eol_n = (guint)strlen(eol);
    *ret_fragile = false;
    for (const char *p = text.p; p < end;) {
        const char *lf = memchr(p, '\n', (size_t)(end - p));
        const char *stop = lf ? lf : end;
        const char *cr = memchr(p, '\r', (size_t)(stop - p));
        stop = cr ? cr : stop;
        *ret_fragile = *ret_fragile || is_fragile(p, (size_t)(stop - p));
        g_byte_array_append(out, (const guint8 *)p, (guint)(stop - p));
        g_byte_array_append(out, (const guint8 *)eol, eol_n);
        p = cr && cr + 1 == lf ? lf + 1 : stop + 1;
    }
    return out;
}

static GMimeContentEncoding best_encoding(const GByteArray *lines, bool fragile)
{
    char *out;
    size_t out_n, out_space;
    GMimeFilter *best = g_mime_filter_best_new(GMIME_FILTER_BEST_ENCODING);
    g_mime_filter_complete(best, (char *)lines->data, lines->len, 0, &out, &out_n, &out_space);
    GMimeContentEncoding chosen =
        g_mime_filter_best_encoding(GMIME_FILTER_BEST(best), GMIME_ENCODING_CONSTRAINT_7BIT);
    g_object_unref(best);
    if (chosen == GMIME_CONTENT_ENCODING_BASE64 || chosen == GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE)
        return chosen;
    return fragile ? GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE : GMIME_CONTENT_ENCODING_7BIT;
}

/* Encoded here, at once: GMime's own way would put a filter and its buffers behind each part. */
static void set_content(GMimePart *part, const void *bytes, size_t n, GMimeContentEncoding encoding)
{
    GMimeEncoding state;
    g_mime_encoding_init_encode(&state, encoding);
    GByteArray *out = g_byte_array_sized_new(0);
    g_byte_array_set_size(out, (guint)g_mime_encoding_outlen(&state, n));
    g_byte_array_set_size(out, (guint)g_mime_encoding_flush(&state, bytes, n, (char *)out->data));
    GMimeStream *stream = g_mime_stream_mem_new_with_byte_array(out);
    GMimeDataWrapper *content = g_mime_data_wrapper_new_with_stream(stream, encoding);
    g_mime_part_set_content(part, content);
    g_mime_part_set_content_encoding(part, encoding);
    g_object_unref(content);
    g_object_unref(stream);
}

/* A type and disposition are finished before a part gets them: it writes its header anew with every
 * change of theirs. */
static GMimePart *part_of_type(GMimeContentType *type)
{
    GMimePart *part = g_object_new(GMIME_TYPE_PART, NULL);
    g_mime_object_set_content_type(GMIME_OBJECT(part), type);
    g_object_unref(type);
    return part;
}

GMimeObject *part_text(const char *subtype, gw_str text)
{
    bool fragile;
    GByteArray *lines = lines_of(text, "\n", &fragile);
    GMimeContentEncoding encoding = best_encoding(lines, fragile);
    if (encoding == GMIME_CONTENT_ENCODING_BASE64) { /* the others get their CR when written */
        g_byte_array_unref(lines);
        lines = lines_of(text, "\r\n", &fragile);
    }
    GMimeContentType *type = g_mime_content_type_new("text", subtype);
    g_mime_content_type_set_parameter(type, "charset", "utf-8");
    GMimePart *part = part_of_type(type);
    set_content(part, lines->data, lines->len, encoding);
    g_byte_array_unref(lines);
    return GMIME_OBJECT(part);
}

static void put_name(GMimeParamList *list, const char *parameter, const char *file_name)
{
    g_mime_param_list_set_parameter(list, parameter, file_name);
    g_mime_param_set_charset(g_mime_param_list_get_parameter(list, parameter), "utf-8");
}

GMimeObject *part_file(const char *media, const char *file_name, gw_str bytes)
{
    GMimeContentType *type = g_mime_content_type_parse(NULL, media);
    put_name(g_mime_content_type_get_parameters(type), "name", file_name);
    GMimeContentDisposition *disposition = g_mime_content_disposition_new();
    g_mime_content_disposition_set_disposition(disposition, GMIME_DISPOSITION_ATTACHMENT);
    put_name(g_mime_content_disposition_get_parameters(disposition), "filename", file_name);
    GMimePart *part = part_of_type(type);
    g_mime_object_set_content_disposition(GMIME_OBJECT(part), disposition);
    g_object_unref(disposition);
    set_content(part, bytes.p, bytes.n, GMIME_CONTENT_ENCODING_BASE64);
    return GMIME_OBJECT(part);
}
