package vertebra

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// Credentials says what a client shows a service, and what it wants to see. The zero value is plain
// text without a token: a service on this machine, or behind a mesh. Files are read again for every
// handshake and every call: certificates and tokens are renewed while programs run. Files that cannot
// be read at such a moment leave what was read last.
type Credentials struct {
	// TLS encrypts, and believes certificates that this machine's authorities vouch for.
	TLS bool
	// CA is a PEM file of the authorities to believe instead; means TLS.
	CA string
	// Cert and Key are PEM files of our own certificate and its private key; mean TLS.
	Cert string
	Key  string
	// Token is sent with every call. TokenFile is better: it can be renewed while a program runs.
	Token     string
	TokenFile string
	// ServerName is the name in the service's certificate, where it is not the address.
	ServerName string
}

// CredentialsFromEnvironment returns what VERTEBRA_TLS, _CA, _CERT, _KEY, _TOKEN, _TOKEN_FILE and
// _SERVER_NAME say; the command line reads the same.
func CredentialsFromEnvironment() (Credentials, error) {
	given := func(name string) string { return strings.TrimSpace(os.Getenv("VERTEBRA_" + name)) }
	file := func(name string) string { return expanded(given(name)) }
	asked := Credentials{
		CA: file("CA"), Cert: file("CERT"), Key: file("KEY"),
		Token: given("TOKEN"), TokenFile: file("TOKEN_FILE"), ServerName: given("SERVER_NAME"),
	}
	switch strings.ToLower(given("TLS")) {
	case "1", "true", "yes", "on":
		asked.TLS = true
	case "", "0", "false", "no", "off":
	default:
		return Credentials{}, fmt.Errorf("VERTEBRA_TLS is 1 or 0, not %q", given("TLS"))
	}
	return asked, asked.check("")
}

// expanded returns a path with the caller's own folder for a leading ~, as the command line does.
func expanded(path string) string {
	rest, found := strings.CutPrefix(path, "~/")
	home, err := os.UserHomeDir()
	if !found || err != nil {
		return path
	}
	return filepath.Join(home, rest)
}

func (c Credentials) isEncrypted() bool { return c.TLS || c.CA != "" || c.Cert != "" }

func (c Credentials) hasToken() bool { return c.Token != "" || c.TokenFile != "" }

// check returns what contradicts itself. An empty address is none to send a token to yet.
func (c Credentials) check(address string) error {
	switch {
	case c.Cert == "" && c.Key != "":
		return errors.New("a key without its certificate: give both files")
	case c.Cert != "" && c.Key == "":
		return errors.New("a certificate without its key: give both files")
	case c.Token != "" && !isToken(c.Token):
		return errors.New("the token is not one word of ASCII: nobody could send it")
	case c.Token != "" && c.TokenFile != "":
		return errors.New("a token and a token file: give one of them")
	case c.ServerName != "" && !c.isEncrypted():
		return errors.New("a server name without TLS: nothing would compare it")
	case address != "" && c.hasToken() && !c.isEncrypted() && !isLoopback(address):
		return fmt.Errorf("the token is not sent to %s in plain text: give the authority of its"+
			" certificate (CA), or TLS where this machine knows it already", address)
	}
	return nil
}

// dialOptions returns what a connection shows. Files that cannot be read are an error now, and
// later leave what was read last.
func (c Credentials) dialOptions() ([]grpc.DialOption, error) {
	var transport credentials.TransportCredentials = insecure.NewCredentials()
	if c.isEncrypted() {
		config := &renewed[*tls.Config]{read: c.tlsConfig}
		if err := config.begin(); err != nil {
			return nil, err
		}
		transport = &freshTLS{TransportCredentials: credentials.NewTLS(nil), config: config}
	}
	options := []grpc.DialOption{grpc.WithTransportCredentials(transport)}
	if !c.hasToken() {
		return options, nil
	}
	token := &renewed[string]{read: c.currentToken}
	if err := token.begin(); err != nil {
		return nil, err
	}
	shown := bearer{token: token, isEncrypted: c.isEncrypted()}
	return append(options, grpc.WithPerRPCCredentials(shown)), nil
}

// isLoopback says whether calls to host:port cannot leave this machine.
func isLoopback(address string) bool {
	if strings.HasPrefix(address, "unix:") || strings.HasPrefix(address, "unix-abstract:") {
		return true
	}
	scheme, rest, found := strings.Cut(address, ":///")
	if !found {
		rest = address
	} else if scheme != "dns" && scheme != "passthrough" {
		return false
	}
	host, _, err := net.SplitHostPort(rest)
	if err != nil {
		host = rest
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// renewed is what files hold, read again whenever it is wanted; files that are half-written or gone
// leave what was read last. Goroutines may share it.
type renewed[T any] struct {
	read  func() (T, error)
	mutex sync.Mutex
	last  T
}

// begin reads for the first time: then nothing is forgiven.
func (r *renewed[T]) begin() (err error) {
	r.last, err = r.read()
	return err
}

func (r *renewed[T]) now() T {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if value, err := r.read(); err == nil {
		r.last = value
	}
	return r.last
}

func (c Credentials) currentToken() (string, error) {
	if c.TokenFile == "" {
		return c.Token, nil
	}
	text, err := os.ReadFile(c.TokenFile)
	if err != nil {
		return "", fmt.Errorf("the token cannot be read: %w", err)
	}
	token := strings.TrimSpace(string(text))
	if !isToken(token) {
		return "", fmt.Errorf("%s does not hold a token: one word of ASCII", c.TokenFile)
	}
	return token, nil
}

// isToken says whether a text can be sent as a token.
func isToken(text string) bool {
	unsent := func(r rune) bool { return r <= ' ' || r > '~' }
	return text != "" && !strings.ContainsFunc(text, unsent)
}

// bearer sends the token with every call. gRPC itself refuses to send it in plain text where
// RequireTransportSecurity is true; check has refused before.
type bearer struct {
	token       *renewed[string]
	isEncrypted bool
}

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + b.token.now()}, nil
}

func (b bearer) RequireTransportSecurity() bool { return b.isEncrypted }

// freshTLS reads the certificates again for every handshake.
type freshTLS struct {
	credentials.TransportCredentials
	config *renewed[*tls.Config]
}

func (f *freshTLS) ClientHandshake(
	ctx context.Context, authority string, connection net.Conn,
) (net.Conn, credentials.AuthInfo, error) {
	return credentials.NewTLS(f.config.now()).ClientHandshake(ctx, authority, connection)
}

func (f *freshTLS) Clone() credentials.TransportCredentials {
	return &freshTLS{TransportCredentials: f.TransportCredentials.Clone(), config: f.config}
}

func (c Credentials) tlsConfig() (*tls.Config, error) {
	config := &tls.Config{ServerName: c.ServerName, MinVersion: tls.VersionTLS12}
	if c.CA != "" {
		text, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, fmt.Errorf("the authorities cannot be read: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%s has no certificate in PEM form", c.CA)
		}
	}
	if c.Cert != "" {
		pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
		if err != nil {
			return nil, fmt.Errorf("our certificate cannot be read: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}
