package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ates/views/viewstest"
)

// proxy is an nginx of a test's in front of programs, with the configuration that is ours and a certificate that only tests trust.
type proxy struct {
	cmd *exec.Cmd
	// address is where it is reached, and plain where it sends those on who come without TLS.
	address, plain string
}

// certificate is that of all proxies of the tests, with its key, for localhost.
var certificate = sync.OnceValues(func() (certPEM, keyPEM []byte) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "aTES tests"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
})

// trustProxies has the clients of the tests trust the certificate of their proxies.
func trustProxies() {
	trusted := x509.NewCertPool()
	cert, _ := certificate()
	trusted.AppendCertsFromPEM(cert)
	if transport, ok := http.DefaultTransport.(*http.Transport); ok {
		transport.TLSClientConfig = &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}
	}
}

// freePorts finds ports of this machine that nobody listens on.
func freePorts(t testing.TB, n int) (ports []string) {
	t.Helper()
	for range n {
		listener, err := net.Listen("tcp", "localhost:0")
		require.NoError(t, err)
		defer listener.Close()
		_, port, err := net.SplitHostPort(listener.Addr().String())
		require.NoError(t, err)
		ports = append(ports, port)
	}
	return ports
}

// nginxAround is what Debian's nginx.conf has around a site, for one that runs in a folder of its own.
const nginxAround = `daemon off;
pid %[1]s/pid;
error_log %[1]s/error.log;
worker_processes 1;
events { worker_connections 1024; }
http {
    access_log off;
    client_body_temp_path %[1]s/body;
    proxy_temp_path %[1]s/proxy;
    fastcgi_temp_path %[1]s/fastcgi;
    uwsgi_temp_path %[1]s/uwsgi;
    scgi_temp_path %[1]s/scgi;
    include %[1]s/site.conf;
}
`

// startProxy starts nginx on a port, with operations/nginx.conf, in front of programs on other ports. All that tests change of it is
// where things are; open also lets them ask for what is for operations.
func startProxy(t testing.TB, port string, open bool, behind ...string) *proxy {
	t.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil { // it is among the programs of administrators
		program, err = exec.LookPath("/usr/sbin/nginx")
	}
	require.NoError(t, err, "install the package nginx-light")
	dir, err := os.MkdirTemp("", "ates-proxy-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o755))
	cert, key := certificate()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "cert"), cert, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "key"), key, 0o600))
	content, err := os.ReadFile("operations/nginx.conf")
	require.NoError(t, err)
	plain := freePorts(t, 1)[0]
	site := strings.NewReplacer("listen 80;", "listen 127.0.0.1:"+plain+";", "listen 443 ", "listen 127.0.0.1:"+port+" ", "/etc/ssl/tasks.example.com.crt", dir+"/cert",
		"/etc/ssl/tasks.example.com.key", dir+"/key", "https://$host$", "https://$host:"+port+"$", "tasks.example.com", "localhost").Replace(string(content))
	servers := regexp.MustCompile(`(?m)^    server 127\.0\.0\.1:\d+( .*\n)`)
	parameters := servers.FindStringSubmatch(site)[1]
	lines := ""
	for _, upstream := range behind {
		lines += "    server 127.0.0.1:" + upstream + parameters
	}
	at := servers.FindStringIndex(site)
	site = site[:at[0]] + lines + servers.ReplaceAllString(site[at[0]:], "")
	if open {
		site = strings.ReplaceAll(site, "{ return 404; }", `{ proxy_set_header X-Forwarded-For ""; proxy_pass http://ates; }`)
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "site.conf"), []byte(site), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "nginx.conf"), fmt.Appendf(nil, nginxAround, dir), 0o600))

	p := &proxy{address: "https://localhost:" + port, plain: "http://localhost:" + plain}
	p.cmd = exec.Command(program, "-p", dir, "-c", filepath.Join(dir, "nginx.conf"), "-e", filepath.Join(dir, "error.log"))
	require.NoError(t, p.cmd.Start())
	t.Cleanup(func() {
		_ = p.cmd.Process.Signal(syscall.SIGTERM) // so that it ends its workers
		_ = p.cmd.Wait()
		if log, err := os.ReadFile(filepath.Join(dir, "error.log")); err == nil && t.Failed() {
			t.Logf("nginx said:\n%s", log[max(0, len(log)-4000):])
		}
	})
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", "localhost:"+port)
		if err == nil {
			err = conn.Close()
		}
		return err == nil
	}, 30*time.Second, 10*time.Millisecond, "nginx does not listen")
	return p
}

// behindProxy are the settings of a program on a port behind a proxy on another one.
func behindProxy(port, proxyPort string) []string {
	return []string{"ATES_ADDR=localhost:" + port, "ATES_PUBLIC_URL=https://localhost:" + proxyPort, "ATES_TRUSTED_PROXIES=127.0.0.0/8,::1"}
}

// proxied puts a proxy in front of a program with pages, where the tests are asked to.
func proxied(t testing.TB, env, args []string) []string {
	t.Helper()
	other := func(setting string) bool {
		return strings.HasPrefix(setting, "ATES_PUBLIC_URL=") || strings.HasPrefix(setting, "ATES_ADDR=") || strings.HasPrefix(setting, "ATES_TRUSTED_PROXIES=")
	}
	if !viewstest.Proxied() || len(args) > 0 && args[0] != "serve" || slices.Contains(args, "--web=false") || slices.ContainsFunc(env, other) {
		return env
	}
	ports := freePorts(t, 2)
	startProxy(t, ports[1], true, ports[0])
	return append(behindProxy(ports[0], ports[1]), env...)
}

// samePlace are the settings of a program that takes the place of this one.
func (p *program) samePlace() []string {
	var place []string
	for _, setting := range p.cmd.Env {
		name, value, _ := strings.Cut(setting, "=")
		switch {
		case name == "ATES_ADDR" && value == "localhost:0": // where it was left to the system
			place = append(place, "ATES_ADDR="+strings.TrimPrefix(p.address, "http://"))
		case name == "ATES_ADDR", name == "ATES_PUBLIC_URL", name == "ATES_TRUSTED_PROXIES":
			place = append(place, setting)
		}
	}
	return place
}

// TestBehindNginx has two processes behind the nginx of the operations' page, which are exchanged one after the other while people work.
func TestBehindNginx(t *testing.T) {
	t.Parallel()
	database := demoCompany.URL(t)
	ports := freePorts(t, 3)
	nginx := startProxy(t, ports[2], false, ports[0], ports[1])
	programs := map[string]*program{}
	run := func(port string) {
		programs[port] = launch(t, plain(t), append(behindProxy(port, ports[2]), demo(database)...))
		require.Eventually(t, func() bool {
			status, _, err := nobody(t, "http://localhost:"+port).try(http.MethodGet, "/readyz", nil, nil)
			return err == nil && status == http.StatusOK
		}, time.Minute, 20*time.Millisecond)
	}
	run(ports[0])
	run(ports[1])
	manager, worker := signIn(t, nginx.address, "manager"), signIn(t, nginx.address, "worker")
	res, err := worker.client.Get(nginx.address + "/tasks")
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, 2, res.ProtoMajor, "else six tabs of a browser are all that there may be")
	res, err = nobody(t, nginx.plain).client.Get(nginx.plain + "/login")
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, "https", res.Request.URL.Scheme)
	for _, path := range []string{"/metrics", "/readyz"} {
		status, _ := manager.get(path)
		require.Equal(t, http.StatusNotFound, status, path)
	}

	events := worker.stream("0")
	await(t, events, "hello")
	createTask(t, manager, "Told at once")
	await(t, events, "tasks/")
	require.NoError(t, nginx.cmd.Process.Signal(syscall.SIGHUP))
	for range 3 { // some of them by a new worker of nginx
		createTask(t, manager, "Told although nginx has read its configuration again")
		await(t, events, "tasks/")
	}

	var failed []string
	done, stop := make(chan int), make(chan struct{})
	go func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				done <- n
				return
			case <-time.After(10 * time.Millisecond):
			}
			name := fmt.Sprintf("While processes are exchanged, %d", n)
			status, said, err := manager.try(http.MethodPost, "/tasks", url.Values{"idempotency_key": {name}, "description": {name}}, nil)
			if err != nil || status != http.StatusOK {
				failed = append(failed, fmt.Sprint(status, err, said[:min(len(said), 300)]))
			}
		}
	}()
	programs[ports[0]].end(syscall.SIGTERM)
	run(ports[0])
	programs[ports[1]].end(syscall.SIGTERM)
	close(stop)
	n := <-done
	require.Empty(t, failed)
	require.Equal(t, n, number(t, dial(t, database), "select count(*) from tracker.tasks where description like 'While processes are exchanged, %'"), "none was lost and none acted twice")
	for range events { // ended with its process
	}
	events = worker.stream("1") // as a page does that comes back
	createTask(t, manager, "Told after that")
	await(t, events, "tasks/")
}
