#ifndef CGI_LISTEN_H
#define CGI_LISTEN_H

#endif
