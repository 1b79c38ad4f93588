#ifndef CGI_ROUTE_H
#define CGI_ROUTE_H

#endif
