#ifndef CGI_IO_H
#define CGI_IO_H

#endif
