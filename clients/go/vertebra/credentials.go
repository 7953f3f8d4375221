package vertebra

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// Credentials says what a client shows a service, and what it wants to see. The zero value is plain
// text without a token: a service on this machine, or behind a mesh. Files are read again for every
// handshake and every call: certificates and tokens are renewed while programs run.
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
	asked := Credentials{
		CA: given("CA"), Cert: given("CERT"), Key: given("KEY"),
		Token: given("TOKEN"), TokenFile: given("TOKEN_FILE"), ServerName: given("SERVER_NAME"),
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

func (c Credentials) isEncrypted() bool { return c.TLS || c.CA != "" || c.Cert != "" }

func (c Credentials) hasToken() bool { return c.Token != "" || c.TokenFile != "" }

// check returns what contradicts itself. An empty address is none to send a token to yet.
func (c Credentials) check(address string) error {
	switch {
	case c.Cert == "" && c.Key != "":
		return errors.New("a key without its certificate: give both files")
	case c.Cert != "" && c.Key == "":
		return errors.New("a certificate without its key: give both files")
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

func (c Credentials) dialOptions() []grpc.DialOption {
	var transport credentials.TransportCredentials = insecure.NewCredentials()
	if c.isEncrypted() {
		transport = &freshTLS{TransportCredentials: credentials.NewTLS(nil), asked: c}
	}
	options := []grpc.DialOption{grpc.WithTransportCredentials(transport)}
	if c.hasToken() {
		options = append(options, grpc.WithPerRPCCredentials(bearer{asked: c}))
	}
	return options
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

// bearer sends the token with every call. gRPC itself refuses to send it in plain text where
// RequireTransportSecurity is true; check has refused before.
type bearer struct{ asked Credentials }

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	token := b.asked.Token
	if b.asked.TokenFile != "" {
		text, err := os.ReadFile(b.asked.TokenFile)
		if err != nil {
			return nil, fmt.Errorf("the token cannot be read: %w", err)
		}
		token = strings.TrimSpace(string(text))
	}
	return map[string]string{"authorization": "Bearer " + token}, nil
}

func (b bearer) RequireTransportSecurity() bool { return b.asked.isEncrypted() }

// freshTLS reads the certificates again for every handshake.
type freshTLS struct {
	credentials.TransportCredentials
	asked Credentials
}

func (f *freshTLS) ClientHandshake(
	ctx context.Context, authority string, connection net.Conn,
) (net.Conn, credentials.AuthInfo, error) {
	config, err := f.asked.tlsConfig()
	if err != nil {
		return nil, nil, err
	}
	return credentials.NewTLS(config).ClientHandshake(ctx, authority, connection)
}

func (f *freshTLS) Clone() credentials.TransportCredentials {
	return &freshTLS{TransportCredentials: f.TransportCredentials.Clone(), asked: f.asked}
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
