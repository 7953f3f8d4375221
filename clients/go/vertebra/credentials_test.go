package vertebra_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	trainerv1 "github.com/vertebra/vertebra/clients/go/trainer/v1"
	"github.com/vertebra/vertebra/clients/go/vertebra"
)

// files are the certificates of one authority: its own, and one key pair that both sides use.
type files struct{ ca, cert, key string }

func write(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// renew writes new certificates for localhost into folder.
func renew(t *testing.T, folder string) files {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: "ann"},
		NotAfter:     time.Now().Add(time.Hour), DNSNames: []string{"localhost"},
		IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	made := files{
		filepath.Join(folder, "ca.pem"), filepath.Join(folder, "cert.pem"),
		filepath.Join(folder, "key.pem"),
	}
	write(t, made.ca, "CERTIFICATE", der)
	write(t, made.cert, "CERTIFICATE", der)
	write(t, made.key, "PRIVATE KEY", keyDER)
	return made
}

// guarded answers with what it was shown.
type guarded struct {
	trainerv1.UnimplementedTrainJobServiceServer
}

func (guarded) GetTrainJob(
	ctx context.Context, _ *trainerv1.GetTrainJobRequest,
) (*trainerv1.GetTrainJobResponse, error) {
	headers, _ := metadata.FromIncomingContext(ctx)
	shown := strings.Join(headers.Get("authorization"), ",")
	caller, _ := peer.FromContext(ctx)
	if info, ok := caller.AuthInfo.(credentials.TLSInfo); ok {
		for _, certificate := range info.State.PeerCertificates {
			shown += " " + certificate.Subject.CommonName
		}
	}
	return &trainerv1.GetTrainJobResponse{Job: &trainerv1.TrainJob{Name: shown}}, nil
}

// serveTLS serves with the certificates that are in the files now, at address until the test ends
// or stop is called.
func serveTLS(t *testing.T, made files, address string) (string, func()) {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(made.cert, made.key)
	if err != nil {
		t.Fatal(err)
	}
	return servePair(t, pair, address)
}

func servePair(t *testing.T, pair tls.Certificate, address string) (string, func()) {
	t.Helper()
	config := &tls.Config{
		Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequestClientCert,
	}
	server := grpc.NewServer(grpc.Creds(credentials.NewTLS(config)))
	trainerv1.RegisterTrainJobServiceServer(server, guarded{})
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return "localhost:" + port, server.Stop
}

func shown(t *testing.T, client *vertebra.TrainerClient) string {
	t.Helper()
	job, err := client.GetTrainJob(within(t), theJob)
	if err != nil {
		t.Fatal(err)
	}
	return job.GetName()
}

func dial(t *testing.T, address string, shows vertebra.Credentials) *vertebra.TrainerClient {
	t.Helper()
	client, err := vertebra.DialTrainer(address, vertebra.Options{Pace: quick, Credentials: shows})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestCertificateAndTokenArriveAndARenewedTokenIsReadAgain(t *testing.T) {
	made := renew(t, t.TempDir())
	address, _ := serveTLS(t, made, "localhost:0")
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("first\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	client := dial(t, address, vertebra.Credentials{
		CA: made.ca, Cert: made.cert, Key: made.key, TokenFile: token,
	})

	before := shown(t, client)
	if err := os.WriteFile(token, []byte("second\n"), 0o600); err != nil {
		t.Fatal(err)
	}

	if after := shown(t, client); before != "Bearer first ann" || after != "Bearer second ann" {
		t.Fatalf("%q, then %q", before, after)
	}
}

func TestRenewedCertificatesAreReadAgain(t *testing.T) {
	folder := t.TempDir()
	made := renew(t, folder)
	address, stop := serveTLS(t, made, "localhost:0")
	client := dial(t, address, vertebra.Credentials{CA: made.ca})
	if told := shown(t, client); told != "" {
		t.Fatalf("%q", told)
	}

	stop()
	serveTLS(t, renew(t, folder), strings.Replace(address, "localhost", "127.0.0.1", 1))

	if told := shown(t, client); told != "" {
		t.Fatalf("%q", told)
	}
}

func TestAServiceThatNobodyVouchesForIsNotBelieved(t *testing.T) {
	address, _ := serveTLS(t, renew(t, t.TempDir()), "localhost:0")
	stranger := renew(t, t.TempDir())
	client := dial(t, address, vertebra.Credentials{CA: stranger.ca})

	_, err := client.GetTrainJob(within(t), theJob)

	if !errors.Is(err, vertebra.ErrUnreachable) || !strings.Contains(err.Error(), "authority") {
		t.Fatalf("%v", err)
	}
}

func TestCredentialsThatMakeNoSenseAreRefusedAtOnce(t *testing.T) {
	for why, asked := range map[string]vertebra.Credentials{
		"not sent to service.example:443 in plain text": {Token: "secret"},
		"a key without its certificate":                 {Key: "key.pem"},
		"a certificate without its key":                 {Cert: "cert.pem"},
		"give one of them":                              {TLS: true, Token: "a", TokenFile: "b"},
		"without TLS":                                   {ServerName: "catalog"},
		"not one word of ASCII":                         {TLS: true, Token: "secret and more"},
	} {
		_, err := vertebra.DialTrainer("service.example:443", vertebra.Options{Credentials: asked})
		if err == nil || !strings.Contains(err.Error(), why) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", why, err)
		}
	}
}

func TestATokenGoesToThisMachineInPlainText(t *testing.T) {
	for address, fits := range map[string]bool{
		"localhost:50552": true, "127.0.0.1:1": true, "[::1]:1": true, "dns:///localhost:1": true,
		"unix:///tmp/x": true, "10.0.0.1:1": false, "localhost.example:1": false,
		"xds:///trainer": false,
	} {
		client, err := vertebra.DialTrainer(address, vertebra.Options{
			Credentials: vertebra.Credentials{Token: "secret"},
		})
		if (err == nil) != fits {
			t.Errorf("%s: %v", address, err)
		}
		if client != nil {
			_ = client.Close()
		}
	}
}

func TestTheEnvironmentSaysWhatToShow(t *testing.T) {
	t.Setenv("VERTEBRA_TLS", "yes")
	t.Setenv("VERTEBRA_TOKEN_FILE", "/run/token")
	asked, err := vertebra.CredentialsFromEnvironment()
	if err != nil || asked != (vertebra.Credentials{TLS: true, TokenFile: "/run/token"}) {
		t.Fatalf("%+v, %v", asked, err)
	}
	t.Setenv("HOME", "/home/ann")
	t.Setenv("VERTEBRA_CA", "~/ca.pem")
	if asked, _ = vertebra.CredentialsFromEnvironment(); asked.CA != "/home/ann/ca.pem" {
		t.Fatalf("%q", asked.CA)
	}
	t.Setenv("VERTEBRA_TLS", "maybe")
	if _, err := vertebra.CredentialsFromEnvironment(); err == nil {
		t.Fatal("maybe was taken")
	}
}
