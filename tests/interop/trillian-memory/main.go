// Trillian's log server and signer in one process, over its storage in memory, which the stock programs lack: a log for
// Rekor v1 that needs no database. Serves on a free port of the loopback and says it as its first line.
package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"log"
	"net"
	"sync"
	"time"

	"github.com/google/trillian"
	"github.com/google/trillian/extension"
	sequencing "github.com/google/trillian/log"
	"github.com/google/trillian/monitoring"
	"github.com/google/trillian/quota"
	"github.com/google/trillian/server"
	"github.com/google/trillian/server/admin"
	"github.com/google/trillian/server/interceptor"
	"github.com/google/trillian/storage"
	"github.com/google/trillian/storage/memory"
	"github.com/google/trillian/util/clock"
	"github.com/google/trillian/util/election"
	"github.com/google/trillian/util/election2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// The storage in memory takes a leaf twice; those of databases, which Rekor counts on, do not.
type unique struct {
	storage.LogStorage
	mu   sync.Mutex
	seen map[string]*trillian.LogLeaf
}

func (u *unique) QueueLeaves(ctx context.Context, tree *trillian.Tree, leaves []*trillian.LogLeaf, now time.Time) ([]*trillian.QueuedLogLeaf, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	queued := make([]*trillian.QueuedLogLeaf, len(leaves))
	for i, leaf := range leaves {
		key := fmt.Sprint(tree.TreeId, hex.EncodeToString(leaf.LeafIdentityHash))
		if old := u.seen[key]; old != nil {
			queued[i] = &trillian.QueuedLogLeaf{Leaf: old, Status: status.New(codes.AlreadyExists, "duplicate leaf").Proto()}
			continue
		}
		one, err := u.LogStorage.QueueLeaves(ctx, tree, leaves[i:i+1], now)
		if err != nil {
			return nil, err
		}
		queued[i] = one[0]
		u.seen[key] = leaf
	}
	return queued, nil
}

func main() {
	trees := memory.NewTreeStorage()
	registry := extension.Registry{
		AdminStorage:    memory.NewAdminStorage(trees),
		LogStorage:      &unique{LogStorage: memory.NewLogStorage(trees, nil), seen: map[string]*trillian.LogLeaf{}},
		ElectionFactory: election2.NoopFactory{},
		QuotaManager:    quota.Noop(),
		MetricFactory:   monitoring.InertMetricFactory{},
	}
	signer := sequencing.NewOperationManager(sequencing.OperationInfo{
		Registry:    registry,
		BatchSize:   1000,
		NumWorkers:  1,
		RunInterval: 100 * time.Millisecond,
		TimeSource:  clock.System,
		ElectionConfig: election.RunnerConfig{
			PreElectionPause:   time.Millisecond,
			MasterHoldInterval: time.Hour,
			TimeSource:         clock.System,
		},
	}, sequencing.NewSequencerManager(registry, 0))
	go signer.OperationLoop(context.Background())

	intercept := interceptor.New(registry.AdminStorage, registry.QuotaManager, false, registry.MetricFactory)
	rpc := grpc.NewServer(grpc.ChainUnaryInterceptor(interceptor.ErrorWrapper, intercept.UnaryInterceptor))
	trillian.RegisterTrillianLogServer(rpc, server.NewTrillianLogRPCServer(registry, clock.System))
	trillian.RegisterTrillianAdminServer(rpc, admin.New(registry, nil))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	log.Fatal(rpc.Serve(listener))
}
