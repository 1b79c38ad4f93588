#ifndef STORE_DB_H
#define STORE_DB_H

#endif
