{{- define "vertebra.name" -}}
{{- $name := contains "vertebra" .Release.Name | ternary .Release.Name (printf "%s-vertebra" .Release.Name) -}}
{{- /* 63 characters are the most, of which a StatefulSet adds 23; two long names stay two. */ -}}
{{- if gt (len $name) 40 -}}
{{- $name = printf "%s-%s" ($name | trunc 31 | trimSuffix "-") (sha256sum .Release.Name | trunc 8) -}}
{{- end -}}
{{- $name -}}
{{- end -}}

{{- /* Arguments: a dict with `root` and `component`. */ -}}
{{- define "vertebra.selector" -}}
app.kubernetes.io/name: vertebra
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "vertebra.labels" -}}
{{ include "vertebra.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end -}}

{{- define "vertebra.image" -}}
{{- $image := .root.Values.image -}}
{{- if $image.registry }}{{ trimSuffix "/" $image.registry }}/{{ end -}}
vertebra-{{ .image }}:{{ $image.tag | default .root.Chart.AppVersion }}
{{- with get $image.digests .image }}@{{ . }}{{ end -}}
{{- end -}}

{{- /* The address that a port is opened on. */ -}}
{{- define "vertebra.anywhere" -}}
{{- if .Values.ipv6 }}[::]{{ else }}0.0.0.0{{ end -}}
{{- end -}}

{{- /* What of the trainer answers callers: its own hosts, or pods for that alone. */ -}}
{{- define "vertebra.trainerFront" -}}
{{- if gt (int .Values.trainer.api.replicas) 0 }}trainer-api{{ else }}trainer{{ end -}}
{{- end -}}

{{- define "vertebra.hasTls" -}}
{{- if .Values.tls.secrets.catalog }}yes{{ end -}}
{{- end -}}

{{- define "vertebra.encrypts" -}}
{{- if has .Values.mesh (list "istio" "linkerd") }}yes{{ end -}}
{{- end -}}

{{- /* Whether several catalogs can have the storage and the registry at once. */ -}}
{{- define "vertebra.catalogIsShared" -}}
{{- $catalog := .Values.catalog -}}
{{- if and $catalog.database.secretName (or $catalog.storage.existingClaim (eq $catalog.storage.accessMode "ReadWriteMany")) }}yes{{ end -}}
{{- end -}}
