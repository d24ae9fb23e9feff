// Runs tasks to their end with mesos-go, as its example scheduler does: `mesos_go scheduler MASTER json|protobuf`. One
// task is a command, the other has an executor of the framework's own, which is this program again (`mesos_go executor`).
//
// Prints each state of the tasks, a line each; ends with 0 once both have finished and the framework is torn down.
package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/user"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/encoding"
	"github.com/mesos/mesos-go/api/v1/lib/encoding/codecs"
	"github.com/mesos/mesos-go/api/v1/lib/executor"
	execcalls "github.com/mesos/mesos-go/api/v1/lib/executor/calls"
	execconfig "github.com/mesos/mesos-go/api/v1/lib/executor/config"
	"github.com/mesos/mesos-go/api/v1/lib/extras/scheduler/controller"
	"github.com/mesos/mesos-go/api/v1/lib/extras/scheduler/eventrules"
	"github.com/mesos/mesos-go/api/v1/lib/extras/store"
	"github.com/mesos/mesos-go/api/v1/lib/httpcli"
	"github.com/mesos/mesos-go/api/v1/lib/httpcli/httpexec"
	"github.com/mesos/mesos-go/api/v1/lib/httpcli/httpsched"
	"github.com/mesos/mesos-go/api/v1/lib/resources"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler/calls"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler/events"
)

func must(err error) {
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
}

func main() {
	if os.Args[1] == "executor" {
		runExecutor()
		return
	}
	codec := codecs.ByMediaType[codecs.MediaTypeProtobuf]
	if os.Args[3] == "json" {
		codec = codecs.ByMediaType[codecs.MediaTypeJSON]
	}
	runScheduler(os.Args[2], codec)
}

func wants(cpus, mem float64) mesos.Resources {
	wanted := mesos.Resources{}
	wanted.Add(resources.NewCPUs(cpus).Resource)
	wanted.Add(resources.NewMemory(mem).Resource)
	return wanted
}

func tasks(agent mesos.AgentID) []mesos.TaskInfo {
	own, err := os.Executable()
	must(err)
	line, program, shell := "echo from mesos-go", own+" executor", true
	return []mesos.TaskInfo{
		{
			Name: "command", TaskID: mesos.TaskID{Value: "command"}, AgentID: agent, Resources: wants(0.1, 32),
			Command: &mesos.CommandInfo{Value: &line, Shell: &shell},
		},
		{
			Name: "own", TaskID: mesos.TaskID{Value: "own"}, AgentID: agent, Resources: wants(0.1, 32),
			Executor: &mesos.ExecutorInfo{
				Type: mesos.ExecutorInfo_CUSTOM, ExecutorID: mesos.ExecutorID{Value: "go"},
				Command: &mesos.CommandInfo{Value: &program, Shell: &shell}, Resources: wants(0.1, 32),
			},
		},
	}
}

func runScheduler(master string, codec encoding.Codec) {
	who, err := user.Current()
	must(err)
	cli := httpcli.New(
		httpcli.Endpoint(master+"/api/v1/scheduler"),
		httpcli.Codec(codec),
		httpcli.Do(httpcli.With(httpcli.Timeout(60*time.Second))),
	)
	caller := httpsched.NewCaller(cli)
	ids := store.DecorateSingleton(store.NewInMemorySingleton())
	ctx, cancel := context.WithCancel(context.Background())
	launched, finished := false, 0
	offers := func(_ context.Context, e *scheduler.Event) error {
		for _, offer := range e.GetOffers().GetOffers() {
			id := store.GetIgnoreErrors(ids)()
			call := calls.Decline(offer.ID)
			if !launched {
				launched = true
				call = calls.Accept(calls.OfferOperations{calls.OpLaunch(tasks(offer.AgentID)...)}.WithOffers(offer.ID))
			}
			must(calls.CallNoData(ctx, caller, call.With(calls.RefuseSeconds(time.Second)).With(calls.Framework(id))))
		}
		return nil
	}
	update := func(_ context.Context, e *scheduler.Event) error {
		status := e.GetUpdate().GetStatus()
		fmt.Println(status.TaskID.Value, status.GetState())
		switch status.GetState() {
		case mesos.TASK_FINISHED:
			finished++
		case mesos.TASK_FAILED, mesos.TASK_ERROR, mesos.TASK_LOST, mesos.TASK_KILLED, mesos.TASK_DROPPED:
			must(fmt.Errorf("%s: %s", status.TaskID.Value, status.GetMessage()))
		}
		if finished == 2 {
			teardown := &scheduler.Call{Type: scheduler.Call_TEARDOWN}
			must(calls.CallNoData(ctx, caller, teardown.With(calls.Framework(store.GetIgnoreErrors(ids)()))))
			fmt.Println("torn down")
			cancel()
		}
		return nil
	}
	handler := eventrules.New(
		controller.LiftErrors(),
		controller.TrackSubscription(ids, time.Hour),
		controller.AckStatusUpdatesF(func() calls.Caller { return callerOf(caller, ids) }),
	).Handle(events.Handlers{
		scheduler.Event_OFFERS: events.HandlerFunc(offers),
		scheduler.Event_UPDATE: events.HandlerFunc(update),
	})
	timeout := time.Hour.Seconds()
	info := &mesos.FrameworkInfo{User: who.Username, Name: "mesos-go", FailoverTimeout: &timeout}
	err = controller.Run(ctx, info, caller,
		controller.WithEventHandler(handler),
		controller.WithFrameworkID(store.GetIgnoreErrors(ids)),
		controller.WithSubscriptionTerminated(func(err error) {
			if err != nil && err != io.EOF && ctx.Err() == nil {
				must(err)
			}
		}),
	)
	if finished != 2 {
		must(err)
	}
}

// What only subscribing may leave out.
func callerOf(caller calls.Caller, ids store.Singleton) calls.Caller {
	return calls.CallerFunc(func(ctx context.Context, call *scheduler.Call) (mesos.Response, error) {
		return caller.Call(ctx, call.With(calls.Framework(store.GetIgnoreErrors(ids)())))
	})
}

func runExecutor() {
	config, err := execconfig.FromEnv()
	must(err)
	address := url.URL{Scheme: "http", Host: config.AgentEndpoint, Path: "/api/v1/executor"}
	cli := httpcli.New(
		httpcli.Endpoint(address.String()),
		httpcli.Codec(codecs.ByMediaType[codecs.MediaTypeProtobuf]),
		httpcli.Do(httpcli.With(httpcli.Timeout(60*time.Second))),
	)
	options := executor.CallOptions{execcalls.Framework(config.FrameworkID), execcalls.Executor(config.ExecutorID)}
	sender := httpexec.NewSender(cli.Send)
	response, err := sender.Send(context.TODO(), execcalls.NonStreaming(execcalls.Subscribe(nil, nil).With(options...)))
	must(err)
	for {
		var event executor.Event
		if err := response.Decode(&event); err != nil {
			return
		}
		switch event.GetType() {
		case executor.Event_LAUNCH:
			task := event.GetLaunch().GetTask()
			for _, state := range []mesos.TaskState{mesos.TASK_RUNNING, mesos.TASK_FINISHED} {
				source, now, state := mesos.SOURCE_EXECUTOR, float64(time.Now().Unix()), state
				status := mesos.TaskStatus{
					TaskID: task.TaskID, Source: &source, Timestamp: &now, State: &state,
					ExecutorID: &mesos.ExecutorID{Value: config.ExecutorID}, UUID: uuid(),
				}
				call := execcalls.Update(status).With(options...)
				_, err := sender.Send(context.TODO(), execcalls.NonStreaming(call))
				must(err)
			}
		case executor.Event_SHUTDOWN:
			return
		}
	}
}

func uuid() []byte {
	random, err := os.Open("/dev/urandom")
	must(err)
	defer random.Close()
	id := make([]byte, 16)
	_, err = io.ReadFull(random, id)
	must(err)
	// Version 4 of RFC 4122: Mesos takes no other bytes.
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id
}
