/** The physical limit: no checks, no runtime, the kernel copies the file. One process, like the others. */
export const nginxConfiguration = (root: string, port: number, scratch: string): string => `
daemon off;
master_process off;
pid ${scratch}/nginx.pid;
error_log stderr crit;
events { worker_connections 8192; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  client_body_temp_path ${scratch}/body;
  proxy_temp_path ${scratch}/proxy;
  fastcgi_temp_path ${scratch}/fastcgi;
  uwsgi_temp_path ${scratch}/uwsgi;
  scgi_temp_path ${scratch}/scgi;
  server {
    listen 127.0.0.1:${port};
    location ~ ^/exports/(?<id>[^/]+)/download$ {
      default_type text/csv;
      add_header Content-Disposition 'attachment; filename="export-$id.csv"';
      alias ${root}/$id.csv;
    }
  }
}
`
