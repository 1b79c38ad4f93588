/* A CGI program that answers nothing: what the web server and the start of a
 * program cost. Linked statically. */
#include <unistd.h>

int
main(void)
{
	static const char head[] = "Status: 204 No Content\r\n\r\n";
	return write(1, head, sizeof(head) - 1) == (ssize_t)sizeof(head) - 1
	    ? 0
	    : 1;
}
