#include "cgi/web/media.h"

#include <string.h>

/* Text is UTF-8 but for HTML and XML, which say themselves what they are. */
static const struct media table[] = {
	{ "7z", "application/x-7z-compressed", 0 },
	{ "abr", "application/octet-stream", 0 },
	{ "aac", "audio/aac", 0 },
	{ "avif", "image/avif", 0 },
	{ "bmp", "image/bmp", 0 },
	{ "css", "text/css; charset=utf-8", 0 },
	{ "csv", "text/csv; charset=utf-8", 0 },
	{ "docx",
	    "application/"
	    "vnd.openxmlformats-officedocument.wordprocessingml.document",
	    0 },
	{ "epub", "application/epub+zip", 0 },
	{ "flac", "audio/flac", 0 },
	{ "gif", "image/gif", 0 },
	{ "gz", "application/gzip", 0 },
	{ "htm", "text/html", 1 },
	{ "html", "text/html", 1 },
	{ "ico", "image/vnd.microsoft.icon", 0 },
	{ "jpeg", "image/jpeg", 0 },
	{ "jpg", "image/jpeg", 0 },
	{ "js", "text/javascript; charset=utf-8", 1 },
	{ "json", "application/json", 0 },
	{ "m3u8", "application/vnd.apple.mpegurl", 0 },
	{ "m4a", "audio/mp4", 0 },
	{ "m4v", "video/mp4", 0 },
	{ "md", "text/markdown; charset=utf-8", 0 },
	{ "mjs", "text/javascript; charset=utf-8", 1 },
	{ "mkv", "video/matroska", 0 },
	{ "mov", "video/quicktime", 0 },
	{ "mp3", "audio/mpeg", 0 },
	{ "mp4", "video/mp4", 0 },
	{ "oga", "audio/ogg", 0 },
	{ "ogg", "audio/ogg", 0 },
	{ "ogv", "video/ogg", 0 },
	{ "opus", "audio/ogg", 0 },
	{ "otf", "font/otf", 0 },
	{ "pdf", "application/pdf", 0 },
	{ "png", "image/png", 0 },
	{ "psd", "image/vnd.adobe.photoshop", 0 },
	{ "rar", "application/vnd.rar", 0 },
	{ "svg", "image/svg+xml", 1 },
	{ "tar", "application/x-tar", 0 },
	{ "tif", "image/tiff", 0 },
	{ "tiff", "image/tiff", 0 },
	{ "ts", "video/mp2t", 0 },
	{ "ttf", "font/ttf", 0 },
	{ "txt", "text/plain; charset=utf-8", 0 },
	{ "vtt", "text/vtt; charset=utf-8", 0 },
	{ "wasm", "application/wasm", 0 },
	{ "wav", "audio/wav", 0 },
	{ "webm", "video/webm", 0 },
	{ "webp", "image/webp", 0 },
	{ "woff", "font/woff", 0 },
	{ "woff2", "font/woff2", 0 },
	{ "xht", "application/xhtml+xml", 1 },
	{ "xhtml", "application/xhtml+xml", 1 },
	{ "xml", "application/xml", 1 },
	{ "xsl", "application/xml", 1 },
	{ "xz", "application/x-xz", 0 },
	{ "zip", "application/zip", 0 },
};

const struct media *
media_of(struct str name)
{
	static const struct media octets = { "", "application/octet-stream",
		0 };
	size_t i = name.n;
	while (i > 0 && name.p[i - 1] != '.')
		i--;
	/* a name without a dot, or that begins with its only one, has none */
	if (i < 2)
		return &octets;
	struct str suffix = { name.p + i, name.n - i };
	for (size_t k = 0; k < sizeof(table) / sizeof(table[0]); k++)
		if (str_eq_fold(suffix, str_from(table[k].suffix)))
			return &table[k];
	return &octets;
}

/* RFC 8187, 3.2.1: attr-char */
static int
is_attr_char(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') ||
	    (c != '\0' && strchr("!#$&+-.^_`|~", c) != NULL);
}

/* Browsers differ in what '%' and '\' mean between quotes (RFC 6266, D). */
static int
is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7F && strchr("\"\\%/", c) == NULL;
}

void
media_disposition(struct buf *b, struct str name)
{
	int all_plain = 1;
	buf_addz(b, "attachment; filename=\"");
	for (size_t i = 0; i < name.n;) {
		size_t len = str_char(name, i);
		int plain = len == 1 && is_plain((unsigned char)name.p[i]);
		buf_addc(b, plain ? name.p[i] : '_');
		all_plain &= plain;
		i += len > 0 ? len : 1;
	}
	buf_addc(b, '"');
	if (all_plain)
		return;
	buf_addz(b, "; filename*=UTF-8''");
	for (size_t i = 0; i < name.n; i++) {
		unsigned char c = (unsigned char)name.p[i];
		if (is_attr_char(c))
			buf_addc(b, (char)c);
		else
			buf_addf(b, "%%%02X", (unsigned)c);
	}
}
