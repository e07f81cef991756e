#!/bin/sh
# How the certificates here were made: an authority, a broker on 127.0.0.1 and a client, for a hundred years. For tests alone.
set -e
cd "$(dirname "$0")"
days=36500
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days $days -subj '/CN=millrace test authority' \
  -keyout authority.key -out authority.pem
for name in broker client; do
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=millrace-test-$name" -keyout $name.key -out $name.csr
  printf 'subjectAltName=IP:127.0.0.1,DNS:localhost\n' >$name.ext
  openssl x509 -req -in $name.csr -CA authority.pem -CAkey authority.key -CAcreateserial -days $days -extfile $name.ext -out $name.pem
  rm $name.csr $name.ext
done
rm authority.key authority.srl
