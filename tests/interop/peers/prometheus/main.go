// Scrapes a page as Prometheus does, reads it with Prometheus' own parser, and prints what it found
// as JSON: families by name, each with its type, unit, help and samples.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"

	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
)

type sample struct {
	Name     string            `json:"name"`
	Labels   map[string]string `json:"labels"`
	Value    string            `json:"value"`
	Exemplar *exemplarOf       `json:"exemplar,omitempty"`
}

type exemplarOf struct {
	Labels       map[string]string `json:"labels"`
	Value        float64           `json:"value"`
	Milliseconds int64             `json:"milliseconds"`
}

type family struct {
	Type    string   `json:"type"`
	Unit    string   `json:"unit"`
	Help    string   `json:"help"`
	Samples []sample `json:"samples"`
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: scrape URL ACCEPT")
	}
	page, contentType, err := scrape(os.Args[1], os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	families, err := parse(page, contentType)
	if err != nil {
		log.Fatal(err)
	}
	found := map[string]any{"content_type": contentType, "families": families}
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		log.Fatal(err)
	}
}

func scrape(url, accept string) ([]byte, string, error) {
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return nil, "", err
	}
	request.Header.Set("accept", accept)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, "", fmt.Errorf("%s: %s", url, response.Status)
	}
	page, err := io.ReadAll(response.Body)
	return page, response.Header.Get("content-type"), err
}

func parse(page []byte, contentType string) (map[string]*family, error) {
	parser, err := textparse.New(page, contentType, labels.NewSymbolTable(), textparse.ParserOptions{})
	if err != nil {
		return nil, err
	}
	families := map[string]*family{}
	var current *family
	// Every line about a family comes before its samples.
	about := func(name []byte) *family {
		known, ok := families[string(name)]
		if !ok {
			known = &family{}
			families[string(name)] = known
		}
		current = known
		return known
	}
	for {
		entry, err := parser.Next()
		if errors.Is(err, io.EOF) {
			return families, nil
		}
		if err != nil {
			return nil, err
		}
		switch entry {
		case textparse.EntryType:
			name, kind := parser.Type()
			about(name).Type = string(kind)
		case textparse.EntryHelp:
			name, help := parser.Help()
			about(name).Help = string(help)
		case textparse.EntryUnit:
			name, unit := parser.Unit()
			about(name).Unit = string(unit)
		case textparse.EntrySeries:
			var all labels.Labels
			parser.Labels(&all)
			_, _, value := parser.Series()
			if current == nil {
				return nil, fmt.Errorf("a sample of no family: %s", all)
			}
			own := all.Map()
			name := own[labels.MetricName]
			delete(own, labels.MetricName)
			current.Samples = append(current.Samples, sample{name, own, fmt.Sprint(value), exemplarIn(parser)})
		}
	}
}

func exemplarIn(parser textparse.Parser) *exemplarOf {
	var found exemplar.Exemplar
	if !parser.Exemplar(&found) {
		return nil
	}
	return &exemplarOf{found.Labels.Map(), found.Value, found.Ts}
}
