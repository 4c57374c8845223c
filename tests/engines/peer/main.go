// Command peer is one end of a conversation in the engines' tests. It is static and resolves names by
// itself, which a static glibc program such as busybox cannot without libraries.
//
// usage: peer serve ADDRESS TEXT     answers each HTTP request with TEXT
//
//	peer relay ADDRESS URL      answers with what it gets from URL
//	peer hear SOCKET            makes a datagram socket and prints what comes in, for sd_notify(3)
//	peer say TEXT               sends TEXT to $NOTIFY_SOCKET
//	peer euid                   prints the effective user, for a set-user-ID copy
//	peer fetch URL              prints what it gets; tries for up to 30 seconds
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "peer:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 2 && args[0] == "fetch":
		body, err := fetch(args[1])
		fmt.Println(body)
		return err
	case len(args) == 1 && args[0] == "euid":
		fmt.Printf("Effective uid: %d\n", os.Geteuid())
		return nil
	case len(args) == 2 && args[0] == "hear":
		return hear(args[1])
	case len(args) == 2 && args[0] == "say":
		c, err := net.Dial("unixgram", os.Getenv("NOTIFY_SOCKET"))
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = io.WriteString(c, args[1])
		return err
	case len(args) == 3 && args[0] == "serve":
		return http.ListenAndServe(args[1], http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, args[2])
		}))
	case len(args) == 3 && args[0] == "relay":
		return http.ListenAndServe(args[1], http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			body, err := fetch(args[2])
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadGateway)
				return
			}
			io.WriteString(w, body)
		}))
	}
	return fmt.Errorf("usage: peer serve ADDRESS TEXT | relay ADDRESS URL | fetch URL | hear SOCKET | say TEXT | euid")
}

func hear(socket string) error {
	c, err := net.ListenPacket("unixgram", socket)
	if err != nil {
		return err
	}
	defer c.Close()
	text := make([]byte, 4096)
	for {
		n, _, err := c.ReadFrom(text)
		if err != nil {
			return err
		}
		fmt.Println(string(text[:n]))
	}
}

// fetch tries again while nobody listens yet: what it talks to starts at the same time.
func fetch(url string) (string, error) {
	client := http.Client{Timeout: 5 * time.Second}
	end := time.Now().Add(30 * time.Second)
	for {
		body, err := get(&client, url)
		if err == nil || time.Now().After(end) {
			return body, err
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func get(client *http.Client, url string) (string, error) {
	response, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s", url, response.Status)
	}
	body, err := io.ReadAll(response.Body)
	return string(body), err
}
