#!/bin/sh
docker exec shop_db_1 pg_dump -U postgres shop | gzip > "/var/backups/shop/shop-$(date +%Y%m%d-%H%M).sql.gz"
