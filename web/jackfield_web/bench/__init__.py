"""`jackfield bench gateway`: what the API itself costs a request, beside another gateway."""
