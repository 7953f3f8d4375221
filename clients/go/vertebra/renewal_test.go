package vertebra_test

import (
	"crypto/tls"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vertebra/vertebra/clients/go/vertebra"
)

func TestATokenFileThatHoldsNoTokenNowLeavesTheLastOne(t *testing.T) {
	made := renew(t, t.TempDir())
	address, _ := serveTLS(t, made, "localhost:0")
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("first"), 0o600); err != nil {
		t.Fatal(err)
	}
	client := dial(t, address, vertebra.Credentials{CA: made.ca, TokenFile: token})
	for _, wrong := range []string{"", "two words", "täglich"} {
		if err := os.WriteFile(token, []byte(wrong), 0o600); err != nil {
			t.Fatal(err)
		}
		if told := shown(t, client); told != "Bearer first" {
			t.Errorf("%q: %q", wrong, told)
		}
	}
}

func TestCertificatesThatAreHalfWrittenLeaveTheLastOnes(t *testing.T) {
	folder := t.TempDir()
	made := renew(t, folder)
	address, stop := serveTLS(t, made, "localhost:0")
	client := dial(t, address, vertebra.Credentials{CA: made.ca, Cert: made.cert, Key: made.key})
	if told := shown(t, client); told != " ann" {
		t.Fatalf("%q", told)
	}

	pair, err := tls.LoadX509KeyPair(made.cert, made.key)
	if err != nil {
		t.Fatal(err)
	}
	stop()
	if err := os.WriteFile(made.cert, []byte("-----BEGIN"), 0o600); err != nil {
		t.Fatal(err)
	}
	servePair(t, pair, strings.Replace(address, "localhost", "127.0.0.1", 1))

	if told := shown(t, client); told != " ann" {
		t.Fatalf("%q", told)
	}
}

func TestFilesThatCannotBeReadAreAnErrorAtOnce(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for why, asked := range map[string]vertebra.Credentials{
		"the authorities cannot be read": {CA: "nowhere.pem"},
		"our certificate cannot be read": {Cert: "nowhere.pem", Key: "nowhere.key"},
		"the token cannot be read":       {TLS: true, TokenFile: "nowhere"},
		"does not hold a token":          {TLS: true, TokenFile: token},
	} {
		_, err := vertebra.DialTrainer("localhost:1", vertebra.Options{Credentials: asked})
		if err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", why, err)
		}
	}
}

// Go reads the variables once, so a process of its own does. Nothing is at the proxy's address.
func TestCallsOnThisMachineGoThroughNoProxy(t *testing.T) {
	_ = addressOf(t, "honest")
	again := exec.CommandContext(within(t), os.Args[0], "-test.run=^TestARangeOfABlobIsThatRange$")
	again.Env = os.Environ()
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "GRPC_PROXY"} {
		again.Env = append(again.Env, name+"=http://127.0.0.1:1",
			strings.ToLower(name)+"=http://127.0.0.1:1")
	}
	again.Env = append(again.Env, "NO_PROXY=", "no_proxy=")
	if told, err := again.CombinedOutput(); err != nil {
		t.Fatalf("%s", told)
	}
}
