#ifndef CGI_REQUEST_H
#define CGI_REQUEST_H

#endif
