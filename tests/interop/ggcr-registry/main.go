// A registry in memory with the referrers API. It is started like docker-registry (`serve FILE`, the file is not
// read), chooses a free port and says it in the same words, and writes the same access log.
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"

	"github.com/google/go-containerregistry/pkg/registry"
)

type answer struct {
	http.ResponseWriter
	status int
}

func (a *answer) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

func main() {
	handler := registry.New(registry.WithReferrersSupport(true))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("msg=\"listening on %s\"", listener.Addr())
	log.Fatal(http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := &answer{w, http.StatusOK}
		handler.ServeHTTP(a, r)
		fmt.Printf("%s \"%s %s %s\" %d -\n", r.RemoteAddr, r.Method, r.RequestURI, r.Proto, a.status)
	})))
}
