{{/* The DaisConfig of all pods. */}}
{{- define "dais.config" -}}
apiVersion: dais.dev/v1
kind: DaisConfig
spec: {{- if .Values.config }}{{ toYaml .Values.config | nindent 2 }}{{ else }} {}{{ end }}
{{- end -}}
